"""Queued: the step waits for room. Given it, its preparation begins."""

from __future__ import annotations

from zaffre.core.job_state import Status
from zaffre.engine.job import preparing
from zaffre.engine.live import Live
from zaffre.engine.motor import Motor


def enqueue(motor: Motor, live: Live) -> None:
    """Put a queued step where the slots look for it; a retry waits for its moment first."""
    if live.job.not_before and (wait := live.job.not_before / 1000 - motor.wall()) > 0:
        motor.later(wait, lambda: motor.slots.put(live) if live.job.status is Status.QUEUED else None)
    else:
        motor.slots.put(live)


def admit(motor: Motor, live: Live) -> None:
    """Room was taken for it."""
    preparing.begin(motor, live)
