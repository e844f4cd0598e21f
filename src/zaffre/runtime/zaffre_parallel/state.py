"""What earlier attempts have finished: a file for each mini-batch, and the mark of what they were cut from."""

from __future__ import annotations

import hashlib
import json
import os

from .files import size_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def check(layout: dict[str, Any], orders: list[dict[str, Any]]) -> None:
    """Results of another cut are no results: they go."""
    source, state = layout["input"], layout["state"]
    parts: list[Any] = [layout["key"], len(orders)]
    for order in orders:
        parts.append(order.get("partition") or order["items"])
        for path in order.get("files", ()):
            parts.append((os.path.relpath(path, source), size_of(path)))
    mark, place = fingerprint(parts), os.path.join(state, "key")
    try:
        with open(place, encoding="utf-8") as file:
            same = file.read() == mark
    except OSError:
        same = False
    if not same:
        os.makedirs(state, exist_ok=True)
        for name in os.listdir(state):
            if name.endswith((".rows", ".staged")):
                os.remove(os.path.join(state, name))
        with open(place + ".staged", "w", encoding="utf-8") as file:
            file.write(mark)
        os.replace(place + ".staged", place)


def finished(state: str) -> dict[int, dict[str, Any]]:
    """Mini-batches whose file is whole (a machine that lost its power may have cut it short)."""
    found = {}
    for name in os.listdir(state):
        stem, dot = os.path.splitext(name)
        if dot == ".rows" and stem.isdigit():
            path = os.path.join(state, name)
            with open(path, "rb") as file:
                line = file.readline()
            try:
                head = json.loads(line.decode())
            except ValueError:
                continue
            if os.path.getsize(path) == len(line) + head["bytes"]:
                found[int(stem)] = head
    return found


def fingerprint(parts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
