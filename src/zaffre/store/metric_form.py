"""The form of metric points in a chunk.

A point is 24 bytes, little-endian: step (i64), timestamp in milliseconds (i64), value (f64). A fresh chunk is the byte
0 and its points as they came. A compacted one is the byte 1 and, zstd-compressed, the three columns one after the
other, steps and timestamps as differences: a regular series shrinks to the size of its values.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import TYPE_CHECKING, Any, TypeAlias

import zstandard

if TYPE_CHECKING:
    import numpy as np

    Column: TypeAlias = "np.ndarray[Any, Any]"

RECORD = struct.Struct("<qqd")
_POINT = [("step", "<i8"), ("timestamp", "<i8"), ("value", "<f8")]  # RECORD, to numpy
PLAIN, PACKED = 0, 1
_SWAP = sys.byteorder == "big"


def pack(points: Iterable[tuple[int, int, float]]) -> bytes:
    """Points (step, timestamp, value) as a fresh chunk."""
    return b"\0" + b"".join(RECORD.pack(*point) for point in points)


def records(chunk: bytes) -> Iterator[bytes]:
    """The points of a chunk, 24 bytes each, in the order in which they were written. Raises ValueError if damaged."""
    form, body = chunk[0], chunk[1:]
    if form == PACKED:
        body = _unfold(body)
    elif form != PLAIN:
        raise ValueError(f"unknown form {form} of a metric chunk")
    size = RECORD.size
    if len(body) % size:
        raise ValueError("a metric chunk is cut off")
    return (body[start : start + size] for start in range(0, len(body), size))


def columns(chunks: Iterable[bytes]) -> tuple[Column, Column, Column]:
    """Steps, timestamps and values of these chunks together, as they were written. Raises ValueError if damaged."""
    import numpy as np

    plain, parts = [], []
    for chunk in chunks:
        if chunk[0] == PLAIN and (len(chunk) - 1) % RECORD.size == 0:
            plain.append(chunk[1:])
        elif chunk[0] == PACKED:
            raw = zstandard.ZstdDecompressor().decompress(chunk[1:])
            steps, times, values = np.frombuffer(raw, "<i8").reshape(3, -1)
            parts.append((np.cumsum(steps), np.cumsum(times), values.view("<f8")))  # sums modulo 2^64, as written
        else:
            raise ValueError("a metric chunk is cut off, or of an unknown form")
    points = np.frombuffer(b"".join(plain), _POINT)
    parts.append((points["step"], points["timestamp"], points["value"]))
    steps, times, values = (np.concatenate(column) for column in zip(*parts, strict=True))
    return steps, times, values


def fold(plain: bytes) -> bytes:
    """A compacted chunk of plain records."""
    import numpy as np

    points = np.frombuffer(plain, _POINT)
    steps, times = (np.diff(points[name], prepend=np.int64(0)) for name in ("step", "timestamp"))
    return b"\1" + zstandard.ZstdCompressor(level=3).compress(
        steps.astype("<i8").tobytes() + times.astype("<i8").tobytes() + points["value"].tobytes()
    )


def _unfold(body: bytes) -> bytes:
    raw = zstandard.ZstdDecompressor().decompress(body)
    third = len(raw) // 3
    steps, times, values = array("q"), array("q"), array("d")
    for column, start in ((steps, 0), (times, third), (values, 2 * third)):
        column.frombytes(raw[start : start + third])
        if _SWAP:
            column.byteswap()
    wide = zip(map(_wrap, accumulate(steps)), map(_wrap, accumulate(times)), values, strict=True)
    return b"".join(RECORD.pack(*point) for point in wide)


def _wrap(number: int) -> int:
    return (number + 2**63) % 2**64 - 2**63
