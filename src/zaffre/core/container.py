"""What can be known of containers without an engine: names of images, variables in a file, what a Dockerfile needs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from zaffre.base.errors import InvalidRequest
from zaffre.core.environment.dockerfile import read_instructions

HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)(?::\d{1,5})?"
PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
REFERENCE = re.compile(
    rf"(?:(?P<host>{HOST})/)?(?P<path>{PART}(?:/{PART})*)(?::(?P<tag>\w[\w.-]{{0,127}}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}))?",
    re.ASCII,
)
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*", re.ASCII)
HUB, OF_ENGINE = "docker.io", "localhost"


@dataclass(frozen=True)
class ImageName:
    """An image as engines name it. `registry` is None for one that only the engine's own store can have."""

    text: str  # as it was written
    named: bool  # whether the text itself names a registry
    registry: str | None
    full: str  # with registry and tag, as it is pulled


def image_name(text: str) -> ImageName:
    """Raises `InvalidRequest` (code `InvalidImage`) for what is no name of an image, such as a path or a flag."""
    found = REFERENCE.fullmatch(text.strip())
    if found is None or len(text) > 512:
        raise InvalidRequest(
            f"`{text[:120]}` is no name of an image",
            code="InvalidImage",
            hint="such as registry.example.com/team/app:1",
        )
    host, path = found["host"], found["path"]
    if host and not re.search(r"[.:]", host) and host != OF_ENGINE:  # as Docker reads it: a first folder, no host
        host, path = None, f"{host}/{path}"
    registry = host or HUB
    if registry == HUB and "/" not in path:
        path = f"library/{path}"
    end = f"@{found['digest']}" if found["digest"] else f":{found['tag'] or 'latest'}"
    only_here = registry == OF_ENGINE
    return ImageName(
        text.strip(), bool(host) and not only_here, None if only_here else registry.lower(), f"{registry}/{path}{end}"
    )


def environment_file(variables: Mapping[str, str]) -> str:
    """A line for each variable, as engines read it. Raises `InvalidRequest` for what such a file cannot hold."""
    lines = []
    for name, value in variables.items():
        if not VARIABLE.fullmatch(name):
            raise InvalidRequest(f"environment_variables: `{name}` is no name of a variable", code="InvalidVariable")
        if re.search(r"[\0\r\n]", value):
            raise InvalidRequest(
                f"environment_variables: the value of {name} has a line break, which a container is not given",
                code="InvalidVariable",
                hint="encode it, with base64 for one",
            )
        lines.append(f"{name}={value}\n")
    return "".join(lines)


def images_of(dockerfile: str) -> Iterator[str]:
    """The images that a Dockerfile starts from or copies from, but for stages of its own and names with variables."""
    stages = {"scratch"}
    for _, word, rest in read_instructions(dockerfile):
        words = [part for part in rest.split() if not part.startswith("--")]
        if word == "FROM" and words:
            if words[0].lower() not in stages and "$" not in words[0]:
                yield words[0]
            if len(words) == 3 and words[1].upper() == "AS":
                stages.add(words[2].lower())
        elif word == "COPY":
            named = re.findall(r"--from=(\S+)", rest)
            yield from (one for one in named if "$" not in one and one.lower() not in stages and not one.isdigit())
