"""Read a log as if it were one file, whichever of its files holds the bytes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zaffre.base.errors import Unavailable
from zaffre.plugins.logs import segment
from zaffre.plugins.logs.layout import Layout, layout, open_live

CHUNK_BYTES = 2**20
BLOCK_BYTES = 64 * 2**10
TAIL_BYTES = 8 * 2**20
ATTEMPTS = 100  # each failed one means that a rotation came between


@dataclass(frozen=True)
class Piece:
    """`data` is all there is between the offset asked for and `next_offset`, or the note that it was removed."""

    data: bytes
    next_offset: int


def size(log: Path) -> int:
    """Bytes that the job ever wrote, those moved or removed included; 0 if there is no log yet."""
    return _end(log, layout(log))


def read(log: Path, offset: int, limit: int = CHUNK_BYTES) -> Piece:
    """Up to `limit` bytes from `offset`; go on at `next_offset`. No data means the present end of the log.

    Fewer bytes than asked for are no sign of the end. In place of a removed part comes a line that says so.
    """
    for _ in range(ATTEMPTS):
        found = layout(log)
        if offset < found.first:
            note = f"[{found.first - offset} bytes of log removed to keep it within its limit]\n"
            return Piece(note.encode(), found.first)
        if offset < found.moved:
            part = next((part for part in found.segments if part.start <= offset < part.end), None)
            if part is None:
                raise Unavailable(f"The log {log} lacks its segment with byte {offset}.")
            try:
                data = segment.read(part.path, offset - part.start, min(limit, part.end - offset))
            except FileNotFoundError:  # removed just now
                continue
            return Piece(data, offset + len(data))
        data = _read_live(log, offset - found.shift, limit)
        after = layout(log)
        if after.moved <= offset and after.shift == found.shift:  # otherwise we may have read a hole
            return Piece(data, offset + len(data))
    raise Unavailable(f"The log {log} changes faster than it can be read.")


def tail_lines(log: Path, count: int) -> Piece:
    """The last lines (an unfinished one counts); at most 8 MB of them. Follow the log from `next_offset`."""
    end = size(log)
    start, blocks, newlines = end, [], 0
    while count > 0 and start > 0 and newlines <= count and end - start < TAIL_BYTES:
        before = max(start - BLOCK_BYTES, 0)
        block = b"".join(_between(log, before, start))
        blocks.append(block)
        newlines += block.count(b"\n")
        start = before
    *lines, unfinished = b"".join(reversed(blocks)).split(b"\n")
    last = [line + b"\n" for line in lines] + [unfinished] * bool(unfinished)
    return Piece(b"".join(last[-count:]) if count > 0 else b"", end)


def iterate(log: Path) -> Iterator[bytes]:
    """The log from its beginning to its present end, for a download, in constant memory."""
    return _between(log, 0, size(log))


class LogReader:
    """Follows one log: each call of `new` gives what came since the last."""

    def __init__(self, log: Path, offset: int = 0) -> None:
        self.log, self.offset = log, offset

    def new(self, limit: int = CHUNK_BYTES) -> bytes:
        """The next bytes, empty if there are none yet."""
        piece = read(self.log, self.offset, limit)
        if not piece.data and self.offset > size(self.log):
            self.offset = 0
            return b"[the job cut its own log; it begins anew here]\n"
        self.offset = piece.next_offset
        return piece.data


def _between(log: Path, start: int, end: int) -> Iterator[bytes]:
    while start < end:
        piece = read(log, start, min(CHUNK_BYTES, end - start))
        if not piece.data:  # the job cut its own log meanwhile
            return
        yield piece.data
        start = piece.next_offset


def _read_live(log: Path, offset: int, limit: int) -> bytes:
    live = open_live(log, os.O_RDONLY)
    if live is None:
        return b""
    try:
        return os.pread(live, limit, offset)
    finally:
        os.close(live)


def _end(log: Path, found: Layout) -> int:
    try:
        live = log.lstat().st_size
    except FileNotFoundError:
        return found.moved
    return max(live + found.shift, found.moved)
