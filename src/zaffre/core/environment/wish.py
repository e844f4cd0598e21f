"""From a definition to one recipe: conda file, requirements, image, Dockerfile and curated name brought together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from zaffre.base.errors import InvalidRequest
from zaffre.core.environment import catalogue
from zaffre.core.environment.binary import bind_numpy
from zaffre.core.environment.conda import python_wish, read_conda
from zaffre.core.environment.definition import EnvironmentDefinition
from zaffre.core.environment.dockerfile import read_dockerfile
from zaffre.core.environment.image import read_image
from zaffre.core.environment.recipe import PythonWish, Recipe
from zaffre.core.environment.requirements import add_lines, name_of


def read_definition(definition: EnvironmentDefinition, *, gpu: bool = False) -> Recipe:
    """What the definition asks for, in full. Raises `InvalidRequest` or `NotFound` naming what cannot be read.

    A conda file is the whole environment, as in Azure ML: of an image beside it only the Python counts, if the conda
    file names none.
    """
    recipe = content(definition, gpu)
    add_lines(recipe, definition.requirements, definition.context_files, "requirements")
    if definition.python_version:
        text = definition.python_version
        recipe.python = PythonWish(prefer=text[1:]) if text.startswith("~") else binding(text)
    recipe.constraints += [checked_constraint(line) for line in definition.constraints if line.strip()]
    recipe.variables.update(definition.variables)
    with_tools(recipe)
    bind_numpy(recipe)
    return recipe


def content(definition: EnvironmentDefinition, gpu: bool) -> Recipe:
    if definition.dockerfile is not None:
        return read_dockerfile(definition.dockerfile, definition.context_files)
    if definition.conda is not None:
        recipe = read_conda(definition.conda, definition.context_files)
        if definition.image:
            image, _ = read_image(definition.image)
            if not recipe.python.specifier:
                recipe.python = PythonWish(prefer=image.python.prefer)
        return recipe
    if definition.image:
        return read_image(definition.image)[0]
    if definition.requirements or definition.python_version or not definition.name:
        return Recipe()
    found, notes = catalogue.resolve(definition.name, gpu=gpu)
    recipe = read_definition(replace(found, name=None), gpu=gpu)
    recipe.notes += notes
    return recipe


def binding(version: str) -> PythonWish:
    """A Python named by the definition itself: `3.10`, `3.10.4` or a range."""
    text = version.strip()
    return python_wish(f"={text}" if re.match(r"^\d", text) else text)


def checked_constraint(line: str) -> str:
    """A constraint as pip writes it. Raises `InvalidRequest` when it is none."""
    from packaging.requirements import InvalidRequirement, Requirement

    text = line.strip()
    try:
        Requirement(text)
    except InvalidRequirement as error:
        raise InvalidRequest(
            f"The constraint `{text}` cannot be read: {error}".splitlines()[0], hint="Write it as `mlflow<3.10`."
        ) from error
    return text


def checked_date(text: str | None) -> str | None:
    """An as-of date, ISO 8601. Raises `InvalidRequest` when it is none."""
    if text is None or not str(text).strip():
        return None
    value = str(text).strip()
    try:
        (date.fromisoformat if len(value) == 10 else datetime.fromisoformat)(value)
    except ValueError as error:
        raise InvalidRequest(
            f"The as-of date `{value}` is no ISO 8601 date", hint="Write it as 2024-06-01 or 2024-06-01T00:00:00Z."
        ) from error
    return value


def with_tools(recipe: Recipe) -> None:
    """Every environment has pip; one with packages, and each of conda, also what old packages take for granted.

    setuptools stays below 81, which warns at each use of `pkg_resources` (82 no longer has it).
    """
    names = {name_of(line) for line in recipe.requirements}
    if recipe.conda or names - {"pip"}:
        for tool, line in (("setuptools", "setuptools<81"), ("wheel", "wheel")):
            if tool not in names:
                recipe.require(line)
    if "pip" not in names:
        recipe.require("pip")


def prefer_cpu_torch(recipe: Recipe, wheels: Sequence[tuple[str, str]], available: Sequence[str]) -> None:
    """On a machine without a GPU take a CPU wheel of torch that is at hand (`wheels`: (version, Python minor)).

    The plain wheel brings 3 GB of CUDA. A constraint says it, so that it is seen in the plan and enters the key.
    """
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

    lines = [line for line in recipe.requirements if name_of(line) == "torch"]
    if not lines:
        return
    try:
        wanted = [Requirement(line).specifier for line in lines]
    except InvalidRequirement:
        return
    bound = SpecifierSet(recipe.python.specifier)
    fitting = [
        (Version(version), minor)
        for version, minor in wheels
        if all(specifier.contains(version) for specifier in wanted)
        and any(text.startswith(f"{minor}.") and Version(text) in bound for text in available)
    ]
    if not fitting:
        recipe.note("No CPU wheel of torch is at hand that fits: the plain one brings several GB of CUDA.")
        return
    preferred = recipe.python.prefer or ""
    version, minor = max(fitting, key=lambda found: (preferred.startswith(found[1]), found[0]))
    if not preferred.startswith(minor):
        recipe.note(f"Python {minor} is used: a CPU wheel of torch is at hand for it.")
        recipe.python = PythonWish(recipe.python.specifier, minor)
    recipe.constraints.append(f"torch=={version}")
