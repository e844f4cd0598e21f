"""Environments: what a job's Python finds installed. Inline in a job, in a file, or an asset of its own."""

from __future__ import annotations

import os
import re
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainValidator, ValidationInfo, model_validator

from zaffre.base.errors import SpecError, ZaffreError
from zaffre.spec import include, reference, yaml
from zaffre.spec.common import Described
from zaffre.spec.form import Filled, Form, LocalPath, asset_reference
from zaffre.spec.loading import fault, loading_of

TEXT_BYTES = 2**20  # a requirements file


class BuildContext(Form):
    """A folder with a Dockerfile."""

    path: LocalPath  # the folder
    dockerfile_path: str | None = None  # relative to `path`; Dockerfile if not given
    args: dict[str, str] | None = None  # of the build; kept


class Route(Form):
    """An address of an inference server."""

    path: str  # such as /score
    port: int  # on which the server in the image listens


class InferenceConfig(Form):
    """Where a container of its own answers."""

    liveness_route: Route  # asked while it runs: one that fails too often is started anew
    readiness_route: Route  # asked until it answers: then requests come
    scoring_route: Route  # where requests go; what lies below it is passed on as it is


def conda(value: Any, info: ValidationInfo) -> Any:
    """The content of a conda file, which may be written in place or named by its path."""
    if not isinstance(value, str):
        return value
    loading = loading_of(info)
    if loading.base is None:
        raise fault("conda_file is the content of a conda file here; a path cannot be read from a request")
    path = loading.locate(value)
    try:
        content = yaml.parse(yaml.read(include.as_path(path)), path)
    except SpecError as error:
        loading.shared.faults += error.faults
        raise fault("the conda file is malformed", kind="included") from None
    except ZaffreError as error:
        raise fault(error.message) from None
    if not isinstance(content, dict):
        raise fault(f"{value} is no conda file: it must be a mapping with `dependencies`")
    return content


def requirement_lines(value: Any, info: ValidationInfo) -> Any:
    """Lines of pip requirements: a list, a text, or the path of a requirements file."""
    if not isinstance(value, str):
        return value
    lines = value.splitlines()
    loading = loading_of(info)
    if len(lines) == 1 and loading.base is not None and (value.startswith("file:") or re.search(r"\.(txt|in)$", value)):
        path = loading.locate(value)
        if os.path.getsize(path) > TEXT_BYTES:
            raise fault(f"{value} is too large for a requirements file")
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    return [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]


class Environment(Described):
    """Packages for jobs: an image, an image with a conda file, pip requirements, or a build context."""

    version: str | None = None  # the next number if not given
    image: Filled | None = None  # a known image stands for its Python and packages; others for their Python
    conda_file: Annotated[dict[str, Any], BeforeValidator(conda)] | None = None  # path of a conda file, or its content
    build: BuildContext | None = None  # a folder with a Dockerfile whose steps install packages
    os_type: str | None = None  # kept
    inference_config: InferenceConfig | None = None  # of online deployments: the image answers by itself
    datastore: str | None = None  # kept
    requirements: Annotated[list[str], BeforeValidator(requirement_lines)] | None = None  # for pip (Zaffre)
    python_version: str | None = None  # such as 3.11; for `requirements` (Zaffre)
    constraints: Annotated[list[str], BeforeValidator(requirement_lines)] | None = (
        None  # bounds on every package (Zaffre)
    )
    exclude_newer: str | None = None  # no package published after this date, such as 2025-06-30 (Zaffre)

    @model_validator(mode="after")
    def _says_something(self) -> Environment:
        if self.build and (self.image or self.conda_file):
            raise fault("an environment has either `build` or `image`, not both")
        if not (self.image or self.conda_file or self.build or self.requirements is not None or self.python_version):
            if self.name:
                return self  # a name alone refers to a registered environment
            raise fault("an environment needs one of `image`, `conda_file`, `build`, `requirements`, `python_version`")
        return self


def environment(value: Any, info: ValidationInfo) -> str | Environment:
    """A name, an address, a file (`file:./env.yml`) or the environment itself."""
    if isinstance(value, Environment):
        return value
    if isinstance(value, str):
        if "${{" in value or not names_file(value):
            return check_name(value.strip())
        found = include.load(value, "environment", info)
        assert isinstance(found, Environment)
        return found
    if value.__class__ is not dict:
        raise fault("an environment is a name, `file:PATH` or a mapping")
    return Environment.model_validate(value, context=info.context)


def names_file(value: str) -> bool:
    return (reference.is_local(value) and value.startswith(("file:", "./", "../", "/"))) or value.endswith(
        (".yml", ".yaml")
    )


check_name = asset_reference("environments")
EnvironmentValue = Annotated[str | Environment, PlainValidator(environment)]
