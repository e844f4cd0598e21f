"""A Dockerfile that is a Python image plus `pip install`, read as a recipe; anything more is refused by its line.

A virtual environment can stand for a container only where the container adds nothing but Python packages. System
packages, other languages and compilations need a container engine, and the error names the line that asks for them.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Mapping

from zaffre.base.errors import InvalidRequest
from zaffre.core.environment.dockerfile_commands import Reader, exec_form, expand, read_run
from zaffre.core.environment.image import read_image
from zaffre.core.environment.recipe import Recipe

NO_EFFECT = frozenset("USER EXPOSE LABEL CMD ENTRYPOINT HEALTHCHECK STOPSIGNAL VOLUME SHELL MAINTAINER ONBUILD".split())
OWN_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "CONDA", "AZUREML_CONDA", "PIP_")


def read_dockerfile(text: str, context: Mapping[str, str], name: str = "Dockerfile") -> Recipe:
    """What the build context asks for. Raises `InvalidRequest` naming the line that needs a container engine."""
    reader = Reader(name, context)
    instructions = list(read_instructions(text))
    stages = [index for index, (_, word, _) in enumerate(instructions) if word == "FROM"]
    if not stages:
        raise InvalidRequest(f"{name} has no FROM line")
    for number, word, rest in instructions[: stages[0]]:
        reader.line = number
        if word == "ARG":
            set_variables(reader, rest)
    if len(stages) > 1:
        reader.line = instructions[stages[1]][0]
        raise reader.refuse("several build stages (a second FROM)")
    for number, word, rest in instructions[stages[0] :]:
        reader.line = number
        read_instruction(reader, word, rest)
    return reader.recipe


def read_instructions(text: str) -> list[tuple[int, str, str]]:
    """(line, instruction, rest); continuation lines are joined, comments within them left out as Docker does."""
    found: list[tuple[int, str, str]] = []
    pending, start = "", 0
    for number, raw in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        start = start if pending else number
        if line.endswith("\\"):
            pending += line[:-1].rstrip() + " "
            continue
        word, _, rest = (pending + line).partition(" ")
        pending = ""
        found.append((start, word.upper(), rest.strip()))
    if pending.strip():
        word, _, rest = pending.strip().partition(" ")
        found.append((start, word.upper(), rest.strip()))
    return found


def read_instruction(reader: Reader, word: str, rest: str) -> None:
    if word == "FROM":
        read_from(reader, rest)
    elif word == "RUN":
        read_run(reader, rest)
    elif word in ("COPY", "ADD"):
        read_copy(reader, rest)
    elif word == "ENV":
        for name, value in set_variables(reader, rest).items():
            if not name.startswith(OWN_VARIABLES):
                reader.recipe.variables[name] = value
    elif word == "ARG":
        set_variables(reader, rest)
    elif word == "WORKDIR":
        reader.folder = posixpath.normpath(posixpath.join(reader.folder, expand(reader, rest.strip("'\""))))
    elif word not in NO_EFFECT:
        raise reader.refuse(f"the instruction `{word}` is not known")


def read_from(reader: Reader, rest: str) -> None:
    words = [part for part in expand(reader, rest).split() if not part.startswith("--")]
    image = words[0] if words else ""
    recipe, known = read_image(image)
    if not known:
        raise reader.refuse(f"the image `{image}` is not known to be only Python and its packages")
    reader.recipe = recipe


def set_variables(reader: Reader, rest: str) -> dict[str, str]:
    """`ENV a=b c="d e"`, the old `ENV a b`, and `ARG a=b`."""
    head = rest.split(None, 1)
    if head and "=" not in head[0]:
        pairs = {head[0]: head[1] if len(head) > 1 else reader.variables.get(head[0], "")}
    else:
        try:
            pairs = dict(part.split("=", 1) for part in shlex.split(rest) if "=" in part)
        except ValueError as error:
            raise reader.refuse(f"`{rest}` cannot be read: {error}") from error
    expanded = {name: expand(reader, value) for name, value in pairs.items()}
    reader.variables.update(expanded)
    return expanded


def read_copy(reader: Reader, rest: str) -> None:
    """Remember which of the context's files lie where, for `-r` and conda files; other files have no meaning here."""
    words = shlex.split(expand(reader, rest)) if not rest.startswith("[") else exec_form(reader, rest)
    options = [word for word in words if word.startswith("--")]
    if any(option.startswith("--from") for option in options):
        raise reader.refuse("files of another image are copied")
    paths = [word for word in words if not word.startswith("--")]
    if len(paths) < 2:
        return
    *sources, target = paths
    place = posixpath.join(reader.folder, target)
    for source in sources:
        wanted = posixpath.normpath(source).removeprefix("./").lstrip("/")
        for name, text in reader.context.items():
            path = posixpath.normpath(name)
            if path == wanted:
                whole = target.endswith("/") or target in (".", "./") or len(sources) > 1
                end = posixpath.join(place, posixpath.basename(path)) if whole else place
            elif wanted in (".", "") or path.startswith(wanted + "/"):
                end = posixpath.join(place, path if wanted in (".", "") else path[len(wanted) + 1 :])
            else:
                continue
            reader.copied[posixpath.normpath(end)] = text
