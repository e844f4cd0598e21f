"""What a job printed: by offset, followed live, or its last lines. A reused step shows the log of the job it reuses."""

from __future__ import annotations

from pathlib import Path

from zaffre.core.job_state import TERMINAL, Status
from zaffre.plugins.logs import read as reader
from zaffre.services.context import Context, Feed
from zaffre.store import jobs as store
from zaffre.store.jobs import JobRecord
from zaffre.wire.jobs import ReadLog

CHUNK = 1 << 18
POLL_S = 0.15  # a log has no signal: it is written by the job itself


def log_path(ctx: Context, job: JobRecord) -> Path:
    return ctx.home.log(job.workspace, job.name)


def source_of(ctx: Context, job: JobRecord) -> JobRecord:
    """The job that really ran."""
    if job.reused_from is None:
        return job
    with ctx.db.read() as connection:
        return store.by_ids(connection, [job.reused_from]).get(job.reused_from, job)


def read_log(ctx: Context, request: ReadLog) -> Feed[bytes]:
    """Raises `NotFound` for an unknown job; a log that is not there yet is empty."""
    with ctx.db.read() as connection:
        job = store.get(connection, request.workspace, request.name)
    path = log_path(ctx, source_of(ctx, job))
    offset = request.offset
    first = reader.tail_lines(path, request.tail_lines) if request.tail_lines is not None else None

    def step() -> tuple[list[bytes], bool]:
        nonlocal offset, first
        over = not request.follow or _over(
            ctx, job
        )  # before reading: what is written after it is read in the next step
        piece, first = first or reader.read(path, offset, CHUNK), None
        offset = piece.next_offset
        return ([piece.data] if piece.data else []), over and not piece.data

    return Feed(job.root_id, step, POLL_S)


def _over(ctx: Context, job: JobRecord) -> bool:
    with ctx.db.read() as connection:
        status: Status = store.status_of(connection, job.id)
    return status in TERMINAL
