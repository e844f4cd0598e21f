"""TensorBoard's event files of running and ending jobs: read now and then, and once more when the process has ended."""

from __future__ import annotations

import logging
import threading

from zaffre.engine.live import Live
from zaffre.services.context import Context
from zaffre.services.metrics.event_files import MARK, EventFiles

log = logging.getLogger("zaffre.engine")
RUNNING_S, ENDING_S = 1.0, 60.0  # so long one job is looked at, among others and at its end
_lock = threading.Lock()  # a look while it runs and the last one do not meet


def collect(ctx: Context, live: Live, budget_s: float = ENDING_S) -> None:
    """Log what is new; nothing that is wrong with such files is a reason to end a job."""
    job = live.job
    artifacts = ctx.home.artifacts(job.workspace, job.name)
    work = ctx.home.job(job.workspace, job.name) / str(job.attempt) / "work"
    with _lock:
        if live.events is None:
            live.events = EventFiles(job.workspace, job.name)
        try:
            count = live.events.collect(ctx, [(artifacts, "outputs"), (work, "logs")], budget_s)
        except Exception:
            log.exception("event files of job %s", job.name)
        else:
            if count:
                log.debug("job %s: %d points of event files", job.name, count)


def collect_all(ctx: Context, lives: list[Live]) -> None:
    for live in lives:
        collect(ctx, live, RUNNING_S)


def is_one(name: str) -> bool:
    return MARK in name
