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
from itertools import accumulate, chain, pairwise

import zstandard

RECORD = struct.Struct("<qqd")
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


def fold(plain: bytes) -> bytes:
    """A compacted chunk of plain records."""
    count = len(plain) // RECORD.size
    points = list(RECORD.iter_unpack(plain))
    steps, times, values = zip(*points, strict=True) if count else ((), (), ())
    columns = (array("q", _differences(steps)), array("q", _differences(times)), array("d", values))
    return b"\1" + zstandard.ZstdCompressor(level=3).compress(b"".join(map(_little, columns)))


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


def _differences(numbers: tuple[int, ...]) -> Iterator[int]:
    """The first number and the steps to each next one, modulo 2^64."""
    return chain(numbers[:1], (_wrap(after - before) for before, after in pairwise(numbers)))


def _wrap(number: int) -> int:
    return (number + 2**63) % 2**64 - 2**63


def _little(column: array[int] | array[float]) -> bytes:
    if _SWAP:
        column.byteswap()
    return column.tobytes()
