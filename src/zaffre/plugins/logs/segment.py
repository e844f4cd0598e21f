"""One compressed part of a log, in the seekable format of Zstandard: `zstd -d` reads it, and so can we in the middle.

The format is frames of FRAME_BYTES each, and their sizes in a skippable frame at the end.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

import zstandard

from zaffre.base.errors import Unavailable

FRAME_BYTES = 2**20
LEVEL = 3
SKIPPABLE, SEEKABLE = 0x184D2A5E, 0x8F92EAB1
HEAD, ENTRY, FOOT = struct.Struct("<II"), struct.Struct("<II"), struct.Struct("<IBI")


def write(source: int, start: int, end: int, target: int) -> None:
    """Compress the bytes [start, end) of one descriptor into another, in constant memory."""
    compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True, write_content_size=True)
    entries = []
    for offset in range(start, end, FRAME_BYTES):
        data = read_exactly(source, offset, min(FRAME_BYTES, end - offset))
        packed = compressor.compress(data)
        write_all(target, packed)
        entries.append(ENTRY.pack(len(packed), len(data)))
    table = b"".join(entries) + FOOT.pack(len(entries), 0, SEEKABLE)
    write_all(target, HEAD.pack(SKIPPABLE, len(table)) + table)


def read(path: Path, offset: int, limit: int) -> bytes:
    """Up to `limit` bytes from `offset` in the segment. Raises FileNotFoundError, or `Unavailable` if it is damaged."""
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        return _read(file, offset, limit)
    except (struct.error, zstandard.ZstdError, ValueError) as error:
        raise Unavailable(f"The log segment {path} is damaged: {error}.") from error
    finally:
        os.close(file)


def _read(file: int, offset: int, limit: int) -> bytes:
    parts: list[bytes] = []
    at = 0  # in the file
    for packed, plain in _table(file):
        if offset < plain and limit > 0:
            part = _frame(read_exactly(file, at, packed), plain)[offset : offset + limit]
            parts.append(part)
            limit -= len(part)
        offset = max(offset - plain, 0)
        at += packed
        if limit <= 0:
            break
    return b"".join(parts)


def _table(file: int) -> list[tuple[int, int]]:
    size = os.fstat(file).st_size
    if size < FOOT.size:
        raise ValueError("it is too short")
    count, _, magic = FOOT.unpack(read_exactly(file, size - FOOT.size, FOOT.size))
    start = size - FOOT.size - count * ENTRY.size
    if magic != SEEKABLE or start < HEAD.size:
        raise ValueError("it has no table of frames")
    return list(ENTRY.iter_unpack(read_exactly(file, start, count * ENTRY.size)))


def _frame(packed: bytes, plain: int) -> bytes:
    if plain > FRAME_BYTES or zstandard.frame_content_size(packed) != plain:
        raise ValueError("a frame has another size than the table says")
    return zstandard.ZstdDecompressor().decompress(packed)


def read_exactly(file: int, offset: int, length: int) -> bytes:
    parts = []
    while length > 0:
        part = os.pread(file, length, offset)
        if not part:
            raise ValueError("it ends too early")
        parts.append(part)
        offset, length = offset + len(part), length - len(part)
    return b"".join(parts)


def write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
