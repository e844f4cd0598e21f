"""How long a log is, which of its lines hold a text, which line is where. Read in pieces: a log of any length costs the
same memory.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from zaffre.base.errors import InvalidRequest
from zaffre.plugins.logs import read as reader
from zaffre.services.context import Context
from zaffre.services.jobs.log import log_path, source_of
from zaffre.store import jobs as store
from zaffre.wire.jobs import JobRef
from zaffre.wire.logs import LogHit, LogHits, LogLine, LogOffset, LogSize, SearchLog

if TYPE_CHECKING:
    import re2

MOST_BYTES = 4 << 30  # of one log
MOST_S = 10.0  # of one search
LONGEST_LINE = 64 << 20
SHOWN = 500  # characters of a line
BLOCK = 16 << 20  # newlines are counted once for each: what was written never changes
KEPT_COUNTS = 20_000
PATTERN_BYTES = 8 << 20  # of memory that RE2 may take for one expression

Find = Callable[[bytes, int], "re2._Match | None"]
_counts: dict[tuple[Path, int], int] = {}
_searching = threading.Semaphore(2)  # it keeps a core busy


def size(ctx: Context, request: JobRef) -> LogSize:
    job, path = _log(ctx, request)
    return LogSize(bytes=reader.size(path), job=job)


def search(ctx: Context, request: SearchLog) -> LogHits:
    """From the beginning, until there are as many hits as asked for. Raises `InvalidRequest` for an expression that is
    none."""
    _, path = _log(ctx, request)
    find = _expression(request.text, request.regex)
    with _searching:
        return _search(path, find, request.max_results, time.monotonic() + MOST_S)


def line(ctx: Context, request: LogOffset) -> LogLine:
    """Newlines before the byte, and one."""
    _, path = _log(ctx, request)
    wanted = min(request.offset, reader.size(path))
    found = start = 0
    with _searching:
        while start + BLOCK <= wanted:
            found += _newlines(path, start)
            start += BLOCK
        return LogLine(line=1 + found + sum(data.count(b"\n") for _, data in _pieces(path, start, wanted)))


def _log(ctx: Context, request: JobRef) -> tuple[str, Path]:
    with ctx.db.read() as connection:
        job = source_of(ctx, store.get(connection, request.workspace, request.name))
    return job.name, log_path(ctx, job)


def _search(path: Path, find: Find, most: int, deadline: float) -> LogHits:
    hits: list[LogHit] = []
    number, rest = 1, b""
    for offset, piece in _pieces(path, 0, reader.size(path)):
        begin = offset - len(rest)
        block, newline, tail = (rest + piece).rpartition(b"\n")
        block, rest = block + newline, tail
        for hit in _hits(block, find, number, begin):
            hits.append(hit)
            if len(hits) >= most:
                return LogHits(hits=hits, complete=False)
        number += block.count(b"\n")
        if offset > MOST_BYTES or len(rest) > LONGEST_LINE or time.monotonic() > deadline:
            return LogHits(hits=hits, complete=False)
    hits += _hits(rest, find, number, reader.size(path) - len(rest))
    return LogHits(hits=hits, complete=True)


def _hits(block: bytes, find: Find, number: int, offset: int) -> Iterator[LogHit]:
    """One for each line of the block; `number` and `offset` are those of its first line."""
    at = counted = 0
    while at < len(block) and (match := find(block, at)) is not None:
        start, end = match.span()
        if start >= len(block):
            return
        begin = block.rfind(b"\n", 0, start) + 1
        after = block.find(b"\n", start)
        after = len(block) if after < 0 else after
        number += block.count(b"\n", counted, begin)
        counted = begin
        before, matched = block[begin:start].decode(errors="replace"), block[start:end].decode(errors="replace")
        text = block[begin : min(after, begin + SHOWN * 4)].decode(errors="replace").rstrip("\r")[:SHOWN]
        yield LogHit(
            line=number,
            offset=offset + begin,
            text=text,
            start=len(before),
            end=len(before) + len(matched),
        )
        at = after + 1


def _expression(text: str, regex: bool) -> Find:
    """RE2 follows all ways at once: no expression makes it slow. It never looks beyond a line."""
    import re2

    options = re2.Options()
    options.case_sensitive, options.never_nl, options.log_errors = False, True, False
    options.max_mem = PATTERN_BYTES
    try:
        return re2.compile(b"(?m)" + text.encode() if regex else re2.escape(text.encode()), options).search  # type: ignore[no-any-return]
    except re2.error as error:
        told = error.args[0]
        reason = told.decode(errors="replace") if isinstance(told, bytes) else str(told)
        raise InvalidRequest(
            f"`{text}` is not a regular expression here: {reason}",
            code="InvalidPattern",
            hint="the syntax is that of RE2 (https://github.com/google/re2/wiki/Syntax): no look-around, no "
            "back-references; put \\ before a sign that means itself",
        ) from None


def _newlines(path: Path, start: int) -> int:
    """Of one whole block."""
    key = (path, start)
    found = _counts.get(key)
    if found is None:
        found = sum(data.count(b"\n") for _, data in _pieces(path, start, start + BLOCK))
        if len(_counts) >= KEPT_COUNTS:
            _counts.clear()
        _counts[key] = found
    return found


def _pieces(path: Path, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Offset and bytes; a part that was removed is left out."""
    while start < end:
        piece = reader.read(path, start, min(reader.CHUNK_BYTES, end - start))
        if not piece.data:
            return
        if piece.next_offset - start == len(piece.data):
            yield start, piece.data
        start = piece.next_offset
