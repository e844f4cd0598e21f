"""An environment as a document names it becomes content: nothing in the result is a path or a name to look up."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from zaffre.base.errors import InvalidRequest, NotFound
from zaffre.ports.environment import EnvironmentDefinition
from zaffre.services.places import CONTENT
from zaffre.services.resolve.scope import Scope
from zaffre.spec.reference import parse_reference

CONTEXT_FILE_BYTES = 1 << 20  # of a build context only small texts matter: requirements, conda files


def environment_of(scope: Scope, value: Any, step: str) -> tuple[str, Mapping[str, str]]:
    """The key of an environment as a document names or describes it, and the variables that it sets.

    Its definition is kept for the plan. Variables are not part of what is built, hence not of the key.
    """
    memory = repr(value)
    if memory not in scope.known_environments:
        definition = definition_of(scope, value)
        try:
            plan = scope.ctx.environments.plan(definition)
        except InvalidRequest as error:
            error.message = f"environment of {step}: {error.message}"
            raise
        for sentence in plan.notes:
            scope.note(sentence)
        kept = {key: item for key, item in vars(definition).items() if item}
        scope.environments.setdefault(plan.key, kept)
        scope.known_environments[memory] = plan.key, dict(plan.variables)
    return scope.known_environments[memory]


def definition_of(scope: Scope, value: Any) -> EnvironmentDefinition:
    """From a reference (`azureml:name@latest`, a registry address) or an inline mapping; None is plain Python."""
    if value is None:
        return _governed(scope, EnvironmentDefinition())
    if isinstance(value, str):
        return _governed(scope, _named(scope, value))
    return _governed(scope, _inline(scope, value))


def _named(scope: Scope, text: str) -> EnvironmentDefinition:
    """One of the workspace comes before a curated one of the same name."""
    reference = parse_reference(text, "environments", bare="asset")
    if reference.kind == "asset":
        try:
            return _inline(scope, scope.asset("environment", reference).spec)
        except NotFound as missing:
            try:
                return scope.curated(text)
            except NotFound:
                raise missing from None
    return scope.curated(text)


def _inline(scope: Scope, spec: Mapping[str, Any]) -> EnvironmentDefinition:
    build = spec.get("build") or {}
    dockerfile, files = _context(scope, build) if build.get("path") else (None, {})
    return EnvironmentDefinition(
        name=spec.get("name"),
        version=spec.get("version"),
        image=spec.get("image"),
        conda=spec.get("conda_file"),
        requirements=tuple(spec.get("requirements") or ()),
        dockerfile=dockerfile,
        context_files=files,
        python_version=spec.get("python_version"),
        constraints=tuple(spec.get("constraints") or ()),
        exclude_newer=spec.get("exclude_newer"),
    )


def _context(scope: Scope, build: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """The Dockerfile and the small texts of a build context that was uploaded."""
    found = CONTENT.fullmatch(str(build["path"]))
    if not found:
        raise InvalidRequest(f"build context {build['path']} was not uploaded", code="BuildContextMissing")
    name = str(PurePosixPath(build.get("dockerfile_path") or "Dockerfile"))
    texts: dict[str, str] = {}
    for entry in scope.ctx.content.manifest(found["root"]).entries:
        if entry.size <= CONTEXT_FILE_BYTES:
            with scope.ctx.content.open(entry.hash) as file:
                content = file.read()
            if b"\0" not in content:
                texts[entry.path] = content.decode("utf-8", errors="replace")
    if name not in texts:
        raise InvalidRequest(
            f"build context has no {name}", code="DockerfileMissing", hint="name it with build.dockerfile_path"
        )
    return texts[name], texts


def _governed(scope: Scope, definition: EnvironmentDefinition) -> EnvironmentDefinition:
    """What the workspace prescribes steers only what the definition leaves open."""
    prescribed: Sequence[str] = scope.settings.get("constraints") or ()
    pinned = _pinned(definition)
    added = tuple(line for line in prescribed if _package(line) not in pinned)
    return dataclasses.replace(
        definition,
        constraints=(*definition.constraints, *added),
        exclude_newer=definition.exclude_newer or scope.settings.get("exclude_newer"),
    )


def _pinned(definition: EnvironmentDefinition) -> set[str]:
    """Packages for which the definition itself names a version."""
    lines = [*definition.requirements, *definition.constraints, *_conda_lines(definition.conda)]
    for text in (definition.dockerfile or "", *definition.context_files.values()):
        lines += re.findall(r"[\w.-]+\s*[=<>~!]=?\s*[\w.*]+", text)
    return {_package(line) for line in lines if re.search(r"[=<>~@]", line)}


def _conda_lines(conda: Mapping[str, object] | None) -> list[str]:
    lines: list[str] = []
    dependencies = (conda or {}).get("dependencies") or []
    for item in dependencies if isinstance(dependencies, list) else []:
        if isinstance(item, str):
            lines.append(item)
        elif isinstance(item, Mapping):
            lines += [str(line) for line in item.get("pip") or []]
    return lines


def _package(line: str) -> str:
    return re.split(r"[\s\[=<>~!;@]", line.strip(), maxsplit=1)[0].lower().replace("_", "-")
