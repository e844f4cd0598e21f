"""`--set a.b.c=value`: changes to a document before it is validated."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from zaffre.base.errors import InvalidRequest
from zaffre.spec import yaml

PART = re.compile(r"([^.\[\]]+)|\[(\d+)\]|\[['\"]([^'\"]+)['\"]\]")
PLACES = 10_000  # above any list in a document


def apply(data: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """The document with each `path=value` put in; mappings on the way are made where they are missing.

    The value is read as a YAML value (`3`, `true`, `[a, b]`). The given document is not changed.
    Raises InvalidRequest that names the path.
    """
    for pair in overrides:
        path, equals, text = pair.partition("=")
        if not equals or not path.strip():
            raise InvalidRequest(f"--set {pair}: expected path=value", hint="for instance --set inputs.lr=0.1")
        data = put(data, split(path.strip()), value_of(text, path.strip()), path.strip())
    return data


def split(path: str) -> list[str | int]:
    parts: list[str | int] = []
    position = 0
    while position < len(path):
        match = PART.match(path, position)
        if not match:
            raise InvalidRequest(f"--set {path}: cannot read the path at `{path[position:]}`")
        word, index, quoted = match.groups()
        parts.append(int(index) if index is not None else word or quoted)
        position = match.end()
        if position < len(path) and path[position] == ".":
            position += 1
            if position == len(path):
                raise InvalidRequest(f"--set {path}: the path ends with a dot")
    return parts


def value_of(text: str, path: str) -> Any:
    """Scalars and flow collections; what is no YAML (`Server=tcp:a, b`) is taken as text."""
    last = path.rsplit(".", 1)[-1]
    if last in yaml.TEXT_KEYS or path.startswith("tags.") or ".environment_variables." in f".{path}":
        return text
    if text[:1] not in ("{", "["):
        quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
        return text[1:-1] if quoted else yaml.scalar(text)
    try:
        return yaml.parse(text)
    except InvalidRequest:
        return text


def put(node: Any, parts: Sequence[str | int], value: Any, path: str) -> Any:
    """A copy of `node` with the value at the place; only what is on the way is copied."""
    part, rest = parts[0], parts[1:]
    if isinstance(part, int):
        if node is None:
            node = []
        if not isinstance(node, list):
            raise InvalidRequest(f"--set {path}: [{part}] stands after something that is no list")
        if part > len(node) or part > PLACES:
            raise InvalidRequest(f"--set {path}: the list has only {len(node)} items")
        items = [*node, None] if part == len(node) else list(node)
        items[part] = put(items[part], rest, value, path) if rest else value
        return items
    if node is None:
        node = {}
    if not isinstance(node, dict):
        kind = "a list" if isinstance(node, list) else f"the value `{str(node)[:60]}`"
        raise InvalidRequest(f"--set {path}: `{part}` cannot be set in {kind}")
    return {**node, part: put(node.get(part), rest, value, path) if rest else value}
