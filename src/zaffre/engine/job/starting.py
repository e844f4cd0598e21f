"""Starting: claimed in the database first, started after the commit: a crash in between never starts it twice."""

from __future__ import annotations

from zaffre.base.clock import now_ms
from zaffre.base.errors import ZaffreError
from zaffre.core.job_state import Status
from zaffre.engine.job import again, ending, running
from zaffre.engine.live import Live
from zaffre.engine.motor import Motor


def claim(motor: Motor, live: Live) -> None:
    started = live.job.started_at or now_ms()
    motor.batch.move(live, Status.STARTING, None, started_at=started, facts=live.job.facts)
    motor.batch.after.append((live, lambda: _start(motor, live)))


def _start(motor: Motor, live: Live) -> None:
    if live.job.cancel:
        return ending.canceled(motor, live)
    assert live.task is not None
    try:
        handle = motor.compute.start(live.task)
    except (ZaffreError, OSError) as error:
        problem = error if isinstance(error, ZaffreError) else ending.of_os(error)
        if again.is_for_space(motor, problem):
            return again.when_there_is_space(motor, live, problem.message)
        return ending.failed(motor, live, problem)
    motor.batch.move(live, Status.RUNNING, None, handle=handle)
    return running.watch(motor, live)


def recover(motor: Motor, live: Live) -> None:
    """After a crash of the server: the process runs, or it provably never will, and then it is prepared anew."""
    control = motor.control(live)
    handle = motor.compute.find(f"{live.job.id}-{live.job.attempt}", control) if control.is_dir() else None
    if handle is None:
        return again.never_started(motor, live, "the server stopped before it started")
    motor.batch.move(live, Status.RUNNING, None, handle=handle)
    return running.watch(motor, live)
