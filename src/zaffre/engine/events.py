"""TensorBoard's event files of running and ending jobs: read now and then, and once more when the process has ended."""

from __future__ import annotations

import logging
import threading
import time

from zaffre.engine.live import Live
from zaffre.services.context import Context
from zaffre.services.metrics.event_files import MARK, EventFiles

log = logging.getLogger("zaffre.engine")
RUNNING_S, ENDING_S = 1.0, 60.0  # so long one job is looked at, among others and at its end
REST = 20  # times as long as a look took, until the next one
_first = threading.Lock()


def collect(ctx: Context, live: Live, budget_s: float = ENDING_S) -> None:
    """Log what is new; nothing that is wrong with such files is a reason to end a job."""
    job = live.job
    artifacts = ctx.home.artifacts(job.workspace, job.name)
    work = ctx.home.job(job.workspace, job.name) / str(job.attempt) / "work"
    with _first:
        if live.events is None:
            live.events = EventFiles(job.workspace, job.name)
    try:
        live.events.collect(ctx, [(artifacts, "outputs"), (work, "logs")], budget_s)
    except Exception:
        log.exception("event files of job %s", job.name)


def collect_all(ctx: Context, lives: list[Live]) -> None:
    """Where looking takes long (a job with very many files), it is done less often."""
    for live in lives:
        begun = time.monotonic()
        if begun >= live.look_at:
            collect(ctx, live, RUNNING_S)
            live.look_at = begun + REST * (time.monotonic() - begun)


def is_one(name: str) -> bool:
    return MARK in name
