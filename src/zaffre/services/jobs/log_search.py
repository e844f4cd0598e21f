"""How long a log is, and which of its lines hold a text. Read in pieces: a log of any length costs the same memory."""

from __future__ import annotations

from zaffre.plugins.logs import read as reader
from zaffre.services.context import Context
from zaffre.services.jobs.log import log_path, source_of
from zaffre.store import jobs as store
from zaffre.wire.jobs import JobRef
from zaffre.wire.logs import LogHit, LogHits, LogSize, SearchLog

MOST_BYTES = 4 << 30  # of one log: some seconds of reading
SHOWN = 500  # characters of a line


def size(ctx: Context, request: JobRef) -> LogSize:
    with ctx.db.read() as connection:
        job = source_of(ctx, store.get(connection, request.workspace, request.name))
    return LogSize(bytes=reader.size(log_path(ctx, job)), job=job.name)


def search(ctx: Context, request: SearchLog) -> LogHits:
    """From the beginning, until there are as many hits as asked for."""
    with ctx.db.read() as connection:
        job = source_of(ctx, store.get(connection, request.workspace, request.name))
    wanted = request.text.encode().lower()
    hits: list[LogHit] = []
    line, offset, rest = 1, 0, b""
    for piece in reader.iterate(log_path(ctx, job)):
        block, newline, tail = (rest + piece).rpartition(b"\n")
        block, rest = block + newline, tail
        if wanted in block.lower():
            place = offset
            for number, text in enumerate(block.splitlines(keepends=True), line):
                if wanted in text.lower():
                    hits.append(LogHit(line=number, offset=place, text=_shown(text)))
                    if len(hits) >= request.max_results:
                        return LogHits(hits=hits, complete=False)
                place += len(text)
        line += block.count(b"\n")
        offset += len(block)
        if offset > MOST_BYTES or len(rest) > MOST_BYTES >> 6:
            return LogHits(hits=hits, complete=False)
    if wanted in rest.lower():
        hits.append(LogHit(line=line, offset=offset, text=_shown(rest)))
    return LogHits(hits=hits, complete=True)


def _shown(line: bytes) -> str:
    return line[: SHOWN * 4].decode(errors="replace").rstrip("\r\n")[:SHOWN]
