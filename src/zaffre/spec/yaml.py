"""Text of a file to plain values, safely and quickly; and where in the text each value stands.

YAML 1.2 as Azure ML reads it: only `true` and `false` are booleans (`yes`, `on` are words), dates stay text.
Values below `version`, `tags`, `environment_variables` and the like stay as they are written, so that version
`1.10` is not version `1.1`. JSON is YAML; it takes the quicker parser.

The parser's events are turned into values here, without PyYAML's nodes and constructors: four times quicker, no
recursion, and a bound on depth and on what aliases expand to before anything is built.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yaml.cyaml import CParser  # type: ignore[attr-defined]
from yaml.error import MarkedYAMLError, YAMLError
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from zaffre.base import limits
from zaffre.base.errors import Fault, InvalidRequest, SpecError, TooLarge

DEPTH = 64  # the deepest file of the public examples has 12
NODES = 10_000_000  # a pipeline of 100,000 steps has about 4 million
TEXT_KEYS = frozenset(
    ("version", "runtime_version", "python_version", "exclude_newer", "tags", "environment_variables")
)
NUMBER = re.compile(
    r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)|([-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)"
    r"|([-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))"
)
CONSTANTS = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
STARTS = frozenset("-+.0123456789")
TAGS = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq")}
NO_KEY: Any = object()
TEMPLATE = "the file looks like a template whose {{...}} have not been filled in"


@dataclass
class Place:
    """Where a value starts, 1-based, and the places of what it holds by key or index (with the place of the key)."""

    line: int
    column: int
    items: dict[str | int, tuple[int, int, Place]] = field(default_factory=dict)


def read(path: Path) -> str:
    """The text of a file. Raises InvalidRequest if it is missing or no text, TooLarge above `limits.YAML_BYTES`."""
    try:
        if path.is_dir():
            raise InvalidRequest(f"{path} is a folder, not a YAML file", code="FileNotFound")
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > limits.YAML_BYTES:
                raise too_large(str(path), size)
            content = file.read(limits.YAML_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidRequest(f"cannot read {path}: {reason}", code="FileNotFound") from None
    if len(content) > limits.YAML_BYTES:
        raise too_large(str(path), len(content))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise SpecError([Fault("the file is not UTF-8 text", str(path), line, column)]) from None


def too_large(name: str, size: int) -> TooLarge:
    megabytes = limits.YAML_BYTES // 2**20
    return TooLarge(f"{name} has {size:,} bytes; a YAML file may have {megabytes} MB", hint="keep data outside of it")


def parse(text: str, file: str | None = None) -> Any:
    """The values of one document. Raises SpecError with line and column."""
    if len(text) > limits.YAML_BYTES:
        raise too_large(file or "the document", len(text))
    if text.lstrip()[:1] == "{":
        try:
            return json.loads(text, object_pairs_hook=unique)
        except (ValueError, RecursionError):
            pass  # YAML in flow style, or a fault that the other parser can place
    try:
        return build(text, file)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = error.problem or str(error)
        begun = error.context_mark
        if error.context and begun and mark and begun.line < mark.line:
            what = f"{what} ({error.context} that begins at line {begun.line + 1})"
        lines = [*text.split("\n"), ""]  # a mark may stand behind the last one
        tabbed = mark is not None and "\t" in lines[mark.line][: mark.column + 1]
        hint = "YAML is indented with spaces, not tabs" if tabbed or "\t" in what or "'\t'" in what else None
        if mark is not None and "${{" in lines[mark.line]:
            hint = hint or 'inside of `{ }` and `[ ]` an expression is quoted: "${{inputs.x}}"'
        if re.search(r"(?<!\$)\{\{", text):
            hint = hint or TEMPLATE
        line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
        raise SpecError([Fault(f"malformed YAML: {what}", file, line, column, hint=hint)]) from None
    except YAMLError as error:
        position = getattr(error, "position", None)
        line = text.count("\n", 0, position) + 1 if isinstance(position, int) else None
        raise SpecError([Fault(f"malformed YAML: {getattr(error, 'reason', error)}", file, line)]) from None


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; ValueError for a key given twice, so that the YAML parser tells where."""
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key is given twice")
    return result


def scalar(text: str) -> Any:
    """The value of a plain scalar as YAML 1.2 has it."""
    if text in CONSTANTS:
        return CONSTANTS[text]
    if text[0] in STARTS and (match := NUMBER.fullmatch(text)):
        if match[2]:
            return float(text.replace(".", ""))
        if match[1]:
            return float(text)
        base = {"0x": 16, "0o": 8}.get(text[:2], 10)
        return int(text, base) if len(text) < 1000 else text
    return text


def build(text: str, file: str | None, most: int = NODES) -> Any:  # noqa: PLR0912, PLR0915 - one loop over events, quick because it is flat
    """Events to values. Marked faults: duplicate keys, unknown aliases and tags, depth, size, several documents."""
    parser = CParser(text)
    next_event: Callable[[], Any] = parser.get_event  # the stubs make every event optional and without fields
    anchors: dict[str, tuple[Any, int]] = {}
    stack: list[tuple[Any, Any, bool, str | None, int]] = []
    faults: list[Fault] = []
    container: Any = None
    key, as_text, merges = NO_KEY, False, False
    result: Any = None
    nodes = documents = 0

    def refuse(event: Any, message: str, hint: str | None = None) -> SpecError:
        mark = event.start_mark
        return SpecError([*faults, Fault(message, file, mark.line + 1, mark.column + 1, hint=hint)])

    while True:
        event = next_event()
        kind = event.__class__
        if kind is ScalarEvent:
            nodes += 1
            value = event.value
            if container.__class__ is dict and key is NO_KEY:
                if value == "<<" and not event.style:
                    merges = True
                elif value in container:
                    mark = event.start_mark
                    faults.append(Fault(f"`{value}` is given twice", file, mark.line + 1, mark.column + 1, value))
                key = value
                continue
            tag = event.tag
            if tag is not None and tag != "!":
                if tag not in TAGS:
                    raise refuse(event, f"the tag {tag.replace('tag:yaml.org,2002:', '!!')} is not allowed here")
                value = value if tag.endswith(":str") else scalar(value)
            elif not event.style and tag is None and not (as_text or key in TEXT_KEYS):
                value = scalar(value)
            elif value in ("", "~", "null") and not event.style:
                value = None
            if event.anchor is not None:
                anchors[event.anchor] = (value, 1)
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            nodes += 1
            if container.__class__ is dict and key is NO_KEY:
                raise refuse(event, "a key must be a word, not a mapping or list", TEMPLATE)
            if len(stack) >= DEPTH:
                raise refuse(event, f"nested deeper than {DEPTH} levels")
            if event.tag is not None and event.tag not in TAGS:
                raise refuse(event, f"the tag {event.tag.replace('tag:yaml.org,2002:', '!!')} is not allowed here")
            stack.append((container, key, as_text, event.anchor, nodes))
            if event.anchor is not None:
                anchors.pop(event.anchor, None)
            as_text = as_text or key in TEXT_KEYS
            container, key = ({} if kind is MappingStartEvent else []), NO_KEY
            continue
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            value = container
            if merges and kind is MappingEndEvent and "<<" in value:
                value = merged(value)
            container, key, as_text, anchor, start = stack.pop()
            if anchor is not None:
                anchors[anchor] = (value, nodes - start + 1)
        elif kind is AliasEvent:
            if event.anchor not in anchors:
                raise refuse(event, f"`*{event.anchor}` is not defined, or is defined by itself")
            if container.__class__ is dict and key is NO_KEY:
                raise refuse(event, "a key must be a word, not an alias")
            value, size = anchors[event.anchor]
            nodes += size
            if nodes > most:
                raise refuse(event, f"aliases expand to more than {most:,} values")
        elif kind is DocumentStartEvent:
            documents += 1
            if documents > 1:
                raise refuse(event, "the file has several documents (`---`); it may have one")
            continue
        elif kind is StreamEndEvent:
            break
        else:
            continue
        if container is None:
            result = value
        elif key is NO_KEY:
            container.append(value)
        else:
            container[key] = value
            key = NO_KEY
        if nodes > most:
            raise refuse(event, f"more than {most:,} values")
    if faults:
        raise SpecError(faults)
    return result


def merged(mapping: dict[str, Any]) -> dict[str, Any]:
    """A mapping with what its `<<` brings; its own keys win, then earlier sources."""
    source = mapping.pop("<<")
    result: dict[str, Any] = {}
    for item in reversed(source if isinstance(source, list) else [source]):
        if isinstance(item, dict):
            result.update(item)
    result.update(mapping)
    return result


def places(text: str) -> Place | None:
    """Where every value of a document stands, or None if the text is no YAML. Called only when something is wrong."""
    top: Place | None = None
    stack: list[tuple[Place | None, Any, tuple[int, int], bool]] = []
    holder: Place | None = None
    is_mapping, key, key_at = False, NO_KEY, (0, 0)
    try:
        parser = CParser(text)
        while True:
            event: Any = parser.get_event()
            kind = event.__class__
            if kind is StreamEndEvent:
                return top
            if kind in (MappingEndEvent, SequenceEndEvent):
                holder, key, key_at, is_mapping = stack.pop()
                key = NO_KEY
                continue
            if kind not in (ScalarEvent, AliasEvent, MappingStartEvent, SequenceStartEvent):
                continue
            at = (event.start_mark.line + 1, event.start_mark.column + 1)
            if is_mapping and key is NO_KEY:
                key, key_at = getattr(event, "value", ""), at
                continue
            place = Place(*at)
            if holder is None:
                top = place
            else:
                index = key if is_mapping else len(holder.items)
                holder.items[index] = (*(key_at if is_mapping else at), place)
            if kind in (MappingStartEvent, SequenceStartEvent):
                stack.append((holder, key, key_at, is_mapping))
                holder, is_mapping = place, kind is MappingStartEvent
            key = NO_KEY
    except YAMLError:
        return top
