"""Running: the process lives on its own. The engine waits for its end, keeps its log in bounds, and its time limit."""

from __future__ import annotations

from functools import partial

from zaffre.core.job_state import Status
from zaffre.engine.job import finalizing
from zaffre.engine.live import Live
from zaffre.engine.motor import Motor
from zaffre.ports.compute import TaskState, WaitsOnMany

LOOK_AGAIN_S = 0.05  # its descriptor has fired, or there is none, but it is still said to run
STOP_GRACE_S = 10.0  # between asking a process to end and killing it


def watch(motor: Motor, live: Live) -> None:
    """Be told when the process ends; where the compute cannot tell, the engine looks now and then."""
    limit = live.plan.get("timeout_s")
    if limit and live.job.started_at:
        left = live.job.started_at / 1000 + float(limit) - motor.wall()
        motor.later(live, max(left, 0.0), partial(_timeout, motor, live, live.job.attempt))
    fd = motor.compute.watch(live.job.handle or {}) if isinstance(motor.compute, WaitsOnMany) else None
    if fd is not None:
        live.watch_fd = fd
        motor.wait_for(live, fd, lambda: look(motor, live))
    motor.watched[live.job.id] = live
    if fd is None:
        look(motor, live)


def look(motor: Motor, live: Live) -> None:
    """Has it ended?"""
    if live.job.id not in motor.watched:
        return
    seen = motor.compute.observe([live.job.handle or {}])[0]
    if seen.state is TaskState.RUNNING:
        if live.watch_fd not in motor.waited:  # it was said to have ended: what is left of it is about to
            motor.later(live, LOOK_AGAIN_S, lambda: look(motor, live))
        return
    motor.forget(live)
    motor.give_back(live)
    finalizing.begin(motor, live, seen)


def _timeout(motor: Motor, live: Live, attempt: int) -> None:
    if live.job.attempt == attempt and live.job.id in motor.watched and not live.timed_out:
        motor.batch.time_out(live)
        motor.batch.after.append((live, lambda: motor.compute.stop(live.job.handle or {}, STOP_GRACE_S)))


def stop(motor: Motor, live: Live) -> None:
    """Somebody asked for its end."""
    motor.batch.move(live, Status.CANCEL_REQUESTED, "cancel requested")
    motor.compute.stop(live.job.handle or {}, STOP_GRACE_S)
