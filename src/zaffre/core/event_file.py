"""TensorBoard's event files: their frames, and of the protocol buffers in them what holds scalars. Pure.

A frame is: length (u64), its masked CRC-32C, the event, its masked CRC-32C; all little-endian. Field numbers are those
of tensorflow/core/util/event.proto, framework/summary.proto and framework/tensor.proto. The bytes come from jobs: none
of them is trusted.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import NamedTuple

HEADER, FOOTER = 12, 4
LARGE = 1 << 20  # bytes of an event: more are pictures, sounds and graphs, which are passed over unread
SCALARS = "scalars"  # the plug-in whose tensors are single numbers
_INT64 = 2**63
_NUMBERS = {1: ("f", 5), 2: ("d", 6), 3: ("i", 7), 9: ("q", 10), 19: ("e", 13)}  # DataType -> struct, *_val field
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
Field = tuple[int, int, int | bytes]  # number, wire type, value


class Damaged(ValueError):
    """What follows in this file cannot be read."""


class Scalar(NamedTuple):
    """One value; `timestamp` in milliseconds since 1970."""

    tag: str
    step: int
    timestamp: int
    value: float


def frames(data: bytes) -> Iterator[tuple[bytes | None, int]]:
    """Whole events from the beginning of `data`, each with where the next one begins; None for one that is passed over.

    Ends before the first that is not whole yet. The end of a passed event may lie behind `data`. Raises `Damaged`.
    """
    import google_crc32c

    at = 0
    while at + HEADER <= len(data):
        length, said = struct.unpack_from("<QI", data, at)
        if _masked(google_crc32c.value(data[at : at + 8])) != said:
            raise Damaged(f"the length at byte {at} does not have its checksum")
        end = at + HEADER + length + FOOTER
        if length > LARGE:
            yield None, end
        else:
            if end > len(data):
                return
            event = data[at + HEADER : end - FOOTER]
            if _masked(google_crc32c.value(event)) != int.from_bytes(data[end - FOOTER : end], "little"):
                raise Damaged(f"the event at byte {at} does not have its checksum")
            yield event, end
        at = end


def _masked(crc: int) -> int:
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def scalars(event: bytes, known: set[str]) -> Iterator[Scalar]:
    """The numbers of an event. `known` gathers the tags of scalar tensors, which only the first of them may say.

    Raises `Damaged` for what is no event.
    """
    wall, step, summaries = 0.0, 0, []
    for number, kind, value in _fields(event):
        if number == 1 and kind == _FIXED64:
            wall = _float(value, "<d")
        elif number == 2 and kind == _VARINT:
            step = _signed(value)
        elif number == 5 and isinstance(value, bytes):
            summaries.append(value)
    seconds = wall if math.isfinite(wall) and abs(wall) < 2**50 else 0.0
    for summary in summaries:
        for number, _, value in _fields(summary):
            if number == 1 and isinstance(value, bytes):
                tag, found = _value(value, known)
                if tag and found is not None:
                    yield Scalar(tag, step, round(seconds * 1000), found)


def _value(body: bytes, known: set[str]) -> tuple[str, float | None]:
    tag, plugin, simple, tensor = "", None, None, None
    for number, kind, value in _fields(body):
        if number == 1 and isinstance(value, bytes):
            tag = _text(value)
        elif number == 2 and kind == _FIXED32:
            simple = _float(value, "<f")
        elif number == 8 and isinstance(value, bytes):
            tensor = value
        elif number == 9 and isinstance(value, bytes):
            plugin = _plugin(value)
    if simple is not None:
        return tag, simple
    if plugin == SCALARS and len(known) < 100_000:
        known.add(tag)
    if tensor is None or (tag not in known if plugin is None else plugin != SCALARS):
        return tag, None
    return tag, _number(tensor)


def _plugin(metadata: bytes) -> str | None:
    for number, _, value in _fields(metadata):
        if number == 1 and isinstance(value, bytes):
            return next((_text(name) for n, _, name in _fields(value) if n == 1 and isinstance(name, bytes)), "")
    return None


def _number(tensor: bytes) -> float | None:
    """A tensor of one number, else None."""
    parts: dict[int, int | bytes] = {number: value for number, _, value in _fields(tensor)}
    if (form := _NUMBERS.get(int(parts.get(1, 0)) if isinstance(parts.get(1, 0), int) else 0)) is None:
        return None
    letter, listed = form
    value = parts.get(4, parts.get(listed))  # tensor_content, or the list of its type
    if isinstance(value, int):  # not packed: a varint, or the bits of a float
        if letter == "e":
            return _float(value & 0xFFFF, "<e")
        return _float(value, f"<{letter}") if letter in "fd" else float(_signed(value))
    if not isinstance(value, bytes):
        return 0.0 if value is None else None  # zeros are left out
    if 4 in parts or letter in "fd":
        return float(struct.unpack(f"<{letter}", value)[0]) if len(value) == struct.calcsize(letter) else None
    number, end = _varint(value, 0)
    if end != len(value):
        return None
    return _float(number & 0xFFFF, "<e") if letter == "e" else float(_signed(number))


def _fields(data: bytes) -> Iterator[Field]:
    """Numbers come as they are: those of fixed size as their bits."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield number, kind, value
            continue
        if kind == _BYTES:
            size, at = _varint(data, at)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise Damaged(f"an event has a field of the unknown kind {kind}")
        if at + size > len(data):
            raise Damaged("a field of an event is cut off")
        piece = data[at : at + size]
        at += size
        yield number, kind, piece if kind == _BYTES else int.from_bytes(piece, "little")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & (2**64 - 1), at
    raise Damaged("a number of an event is cut off")


def _signed(value: int | bytes) -> int:
    whole = int.from_bytes(value, "little") if isinstance(value, bytes) else value
    return (whole + _INT64) % 2**64 - _INT64


def _float(value: int | bytes, form: str) -> float:
    size = struct.calcsize(form)
    bits = value if isinstance(value, bytes) else (value & (2 ** (8 * size) - 1)).to_bytes(size, "little")
    return float(struct.unpack(form, bits)[0])


def _text(value: bytes) -> str:
    return value.decode(errors="replace").replace("\0", "�")
