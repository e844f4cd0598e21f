"""The commands of a Dockerfile's RUN lines that a virtual environment can stand for: pip, conda files, and clean-up."""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from zaffre.base.errors import Fault, InvalidRequest
from zaffre.core.environment.conda import add_conda_package, read_conda
from zaffre.core.environment.recipe import Recipe
from zaffre.core.environment.requirements import HARMLESS, PASSED, add_file, add_line
from zaffre.spec.foreign import foreign

HARMLESS_COMMANDS = frozenset(
    "rm echo mkdir true : cd set export chmod chown ls touch env printenv which hash source . ldconfig".split()
)
NAMING = ("-r", "--requirement", "-c", "--constraint", "-e", "--editable")
VALUE_OPTIONS = frozenset(  # options of pip with a value of their own that are no PASSED ones
    "--trusted-host --default-timeout --timeout --retries --cache-dir --upgrade-strategy --progress-bar "
    "--root-user-action --use-feature --use-deprecated --exists-action --proxy --cert "
    "--target -t --prefix --src --log --python".split()
)
PYTHON_TOOL = re.compile(r"^(?:.*/)?(pip3?(?:\.\d+)?|python3?(?:\.\d+)?|conda|mamba|micromamba|uv)$")


@dataclass
class Reader:
    """The state while reading: what was copied where, and the variables in force."""

    dockerfile: str
    context: Mapping[str, str]
    recipe: Recipe = field(default_factory=Recipe)
    copied: dict[str, str] = field(default_factory=dict)  # path in the image -> text
    variables: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    line: int = 0

    def refuse(self, what: str) -> InvalidRequest:
        message = f"{self.dockerfile} line {self.line}: {what}"
        hint = (
            "Without a container engine only `FROM` a Python image plus `pip install` or a conda file can be built; "
            "use `image` with `conda_file`, or install the program on the machine."
        )
        return InvalidRequest(
            message,
            code="DockerfileNeedsContainerEngine",
            hint=hint,
            faults=[Fault(what, file=self.dockerfile, line=self.line, hint=hint)],
        )


def expand(reader: Reader, text: str) -> str:
    """`$X`, `${X}` and `${X:-default}` by the variables that ENV and ARG set; an unknown one is empty."""

    def value(match: re.Match[str]) -> str:
        return reader.variables.get(match[1] or match[3]) or match[2] or ""

    return re.sub(r"\$(?:\{(\w+)(?::-([^}]*))?\}|(\w+))", value, text)


def exec_form(reader: Reader, text: str) -> list[str]:
    """`["pip", "install", "x"]`: JSON, as Docker reads it."""
    try:
        words = json.loads(text)
    except (ValueError, RecursionError):
        words = None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise reader.refuse(f"`{text[:200]}` is no list of texts in JSON")
    return words


def read_run(reader: Reader, rest: str) -> None:
    if "<<" in rest:
        raise reader.refuse("a here-document in RUN cannot be read")
    if rest.startswith("["):
        read_command(reader, exec_form(reader, rest))
        return
    rest = re.sub(r"^(--\w[\w-]*=\S+\s+)+", "", rest)  # `--mount=type=cache,...`
    for part in re.split(r"&&|\|\||;|(?<!\|)\|(?!\|)", re.sub(r"\$\([^()]*\)", "", rest)):
        text = part.strip().rstrip("\\").strip()
        if not text:
            continue
        try:
            words = shlex.split(text)
        except ValueError as error:
            raise reader.refuse(f"`{text}` cannot be read: {error}") from error
        while words and re.match(r"^\w+=", words[0]):
            words.pop(0)
        if words:
            read_command(reader, words)


def read_command(reader: Reader, words: list[str]) -> None:
    tool = PYTHON_TOOL.match(words[0])
    name = tool[1] if tool else words[0].rsplit("/", 1)[-1]
    shown = " ".join(words)[:120]
    if name in ("bash", "sh") and words[1:2] == ["-c"] and len(words) == 3:
        read_run(reader, words[2])
    elif name == "sudo":
        read_command(reader, words[1:])
    elif name.startswith("python"):
        if words[1:3] == ["-m", "pip"]:
            read_pip(reader, words[3:])
        elif words[1:2] not in (["--version"], ["-V"]):
            raise reader.refuse(f"`{shown}` runs a program while the image is built")
    elif name.startswith("pip"):
        read_pip(reader, words[1:])
    elif name == "uv":
        read_pip(reader, words[2:] if words[1:2] == ["pip"] else words[1:])
    elif name in ("conda", "mamba", "micromamba"):
        read_conda_command(reader, words[1:])
    elif name in ("apt-get", "apt") and not any(word == "install" for word in words):
        return  # update, upgrade, clean: nothing is added
    elif name not in HARMLESS_COMMANDS:
        raise reader.refuse(f"`{shown}` is not `pip install` or a conda file")


def read_pip(reader: Reader, words: list[str]) -> None:
    """`pip install ...`; commands that only show or clean have no effect."""
    command = next((word for word in words if not word.startswith("-")), "")
    if command != "install":
        if command == "uninstall":
            reader.recipe.note(f"{reader.dockerfile} line {reader.line}: `pip uninstall` was left out.")
        return
    arguments = iter(words[words.index("install") + 1 :])
    where = f"{reader.dockerfile} line {reader.line}"
    for word in arguments:
        option, equals, value = word.partition("=")
        if re.match(r"^-[rce].", word):  # `-rrequirements.txt`
            option, equals, value = word[:2], "=", word[2:]
        if option in NAMING:
            add_named(reader, option, expand(reader, value if equals else next(arguments, "")), where)
        elif option in PASSED and not equals and PASSED[option] not in ("--pre", "--no-index"):
            add_line(reader.recipe, f"{option} {expand(reader, next(arguments, ''))}", {}, where)
        elif option in PASSED:
            add_line(reader.recipe, expand(reader, word), {}, where)
        elif word in VALUE_OPTIONS:
            next(arguments, "")
        elif word.startswith("-"):
            if option not in HARMLESS | VALUE_OPTIONS and not re.fullmatch(r"-[qvUI]+", word):
                reader.recipe.note(f"{where}: the option `{word}` of pip was not honoured.")
        elif not re.match(r"^\d?>|^<", word):
            add_line(reader.recipe, expand(reader, word), {}, where)


def add_named(reader: Reader, option: str, path: str, where: str) -> None:
    """A file named by `-r` or `-c` is looked for where COPY put it, then in the context itself."""
    if option in ("-e", "--editable"):
        add_line(reader.recipe, f"-e {path}", {}, where)
        return
    files = {**reader.context, **{name.lstrip("/"): text for name, text in reader.copied.items()}, **reader.copied}
    place = posixpath.normpath(posixpath.join(reader.folder, path))
    if place not in files and path.lstrip("/") not in files:
        raise reader.refuse(f"the file `{path}` was not copied into the image")
    if option in ("-c", "--constraint"):
        add_line(reader.recipe, f"-c {place if place in files else path}", files, where)
    else:
        add_file(reader.recipe, place if place in files else path, files)


def read_conda_command(reader: Reader, words: list[str]) -> None:
    """`conda env create|update -f FILE`, `conda install`, `conda create`, `conda run ... pip install`."""
    verb = words[0] if words else ""
    if verb in ("clean", "init", "config", "activate", "info", "list", "update", "deactivate"):
        return
    if verb == "run":
        rest = words[1:]
        while rest and rest[0].startswith("-"):
            rest = rest[2:] if rest[0] in ("-n", "-p", "--name", "--prefix") else rest[1:]
        if rest:
            read_command(reader, rest)
    elif verb == "env":
        read_conda_file(reader, words)
    elif verb in ("install", "create"):
        skip = False
        for word in words[1:]:
            if skip or word.startswith("-"):
                skip = word in ("-n", "-p", "--name", "--prefix", "-c", "--channel") and not skip
            else:
                add_conda_package(reader.recipe, expand(reader, word), {})
        reader.recipe.conda = True
    else:
        raise reader.refuse(f"`conda {verb}` cannot be honoured")


def read_conda_file(reader: Reader, words: list[str]) -> None:
    path = ""
    for index, word in enumerate(words):
        if word in ("-f", "--file"):
            path = words[index + 1] if index + 1 < len(words) else ""
        elif word.startswith("--file="):
            path = word[7:]
    path = expand(reader, path)
    place = posixpath.normpath(posixpath.join(reader.folder, path or "environment.yml"))
    text = reader.copied.get(place) or reader.context.get(path.removeprefix("./"))
    if text is None:
        raise reader.refuse(f"the conda file `{path or 'environment.yml'}` was not copied into the image")
    content = foreign(text.encode())
    if not content:
        raise reader.refuse(f"the conda file `{path}` cannot be read, or is no mapping")
    found = read_conda(content, reader.context)
    recipe = reader.recipe
    recipe.python = found.python if found.python.specifier else recipe.python
    for line in found.requirements:
        recipe.require(line)
    recipe.constraints += found.constraints
    recipe.variables.update(found.variables)
    recipe.notes += found.notes
    recipe.conda = True
