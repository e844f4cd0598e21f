"""Back to the queue without fault of the job: its process never started, and will be started in a new attempt."""

from __future__ import annotations

import os

from zaffre.base.clock import now_ms
from zaffre.base.errors import ZaffreError
from zaffre.core.job_state import Status
from zaffre.engine.live import Live
from zaffre.engine.motor import Motor

FULL_BYTES = 256 * 1024  # so little room is none: no job can be prepared in it
WAITS_S = (1, 2, 4, 8, 15)


def never_started(motor: Motor, live: Live, reason: str, wait_s: float = 0.0) -> None:
    """A new attempt, as the claim of the last one is taken for ever. It does not count as a retry."""
    motor.slots.free(live)
    motor.give_back(live)
    motor.batch.move(
        live,
        Status.QUEUED,
        reason,
        attempt=live.job.attempt + 1,
        facts={**(live.job.facts or {}), "never_started": live.never_started + 1},
        not_before=now_ms() + int(wait_s * 1000) if wait_s else None,
        started_at=None,
        handle=None,
    )
    motor.enqueue(live)


def when_there_is_space(motor: Motor, live: Live, message: str) -> None:
    """A full disk is no fault of the job either: it waits, longer each time, until there is room."""
    wait = WAITS_S[min(live.never_started, len(WAITS_S) - 1)]
    never_started(motor, live, f"{message}: tries again in {wait} s", wait)


def is_for_space(motor: Motor, error: ZaffreError) -> bool:
    """Whether an error is that the disk of the home is full (the disk of a job's own output may be another)."""
    return error.code == "DiskFull" or no_space(motor)


def no_space(motor: Motor) -> bool:
    try:
        space = os.statvfs(motor.ctx.home.root)
    except OSError:
        return False
    return space.f_bavail * space.f_frsize < FULL_BYTES or (space.f_files > 0 and space.f_favail == 0)
