"""Preparing: the environment is built, code and inputs are brought. Quick cases need no thread of their own."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from zaffre.base.errors import ZaffreError
from zaffre.core.job_state import Status
from zaffre.engine import prepare
from zaffre.engine.job import again, ending, starting
from zaffre.engine.live import Live, Prepared
from zaffre.engine.motor import Motor
from zaffre.engine.variables import logs_of_system

NOTE_EVERY_S = 1.0  # of progress that reaches the database


def ahead(motor: Motor, live: Live) -> None:
    """Make a step ready that waits for room, so that it starts at once when there is some. It stays Queued, and what
    is wrong with it is said when its turn has come: it has no room yet that its end would give back."""
    if live.ready is not None:  # another went before it meanwhile
        return
    try:
        if prepare.is_quick(motor.ctx, live):
            live.ready = prepare.prepare(motor.ctx, live, motor.experiment(live.job), _silent, _never)
    except Exception:
        motor.give_back(live)


def begin(motor: Motor, live: Live) -> None:
    motor.batch.move(live, Status.PREPARING)
    if live.ready is not None:
        ready, live.ready = live.ready, None
        return prepared(motor, live, ready)
    if prepare.is_quick(motor.ctx, live):
        try:
            ready = prepare.prepare(motor.ctx, live, motor.experiment(live.job), _silent, _never)
        except ZaffreError as error:
            return failed(motor, live, error)
        except OSError as error:
            return failed(motor, live, ending.of_os(error))
        return prepared(motor, live, ready)
    live.busy = True
    # What the worker needs of the database is committed before it starts.
    motor.batch.after.append((live, lambda: motor.work(live, lambda: _prepare(motor, live))))
    return None


def _silent(_line: str) -> None:
    pass


def _never() -> bool:
    return False


def _prepare(motor: Motor, live: Live) -> None:
    """In a worker thread: everything it finds out goes back to the engine's own thread."""
    log = Path(logs_of_system(motor.ctx.home, live.job.workspace, live.job.name))
    last = 0.0

    def say(line: str) -> None:
        nonlocal last
        _append(log, line)
        if time.monotonic() - last > NOTE_EVERY_S:
            last = time.monotonic()
            motor.answer(live, lambda: motor.batch.note(live, line.strip()))

    try:
        experiment = motor.experiment(live.job)
        ready = prepare.prepare(motor.ctx, live, experiment, say, lambda: live.job.cancel)
        if notes := "; ".join(ready.notes):  # seen by who watches, however shortly before others it was said
            motor.answer(live, lambda: motor.batch.note(live, notes))
    except (ZaffreError, OSError) as error:
        problem = error if isinstance(error, ZaffreError) else ending.of_os(error)
        _append(log, problem.message)
        motor.answer(live, lambda: failed(motor, live, problem))
        return
    motor.answer(live, lambda: prepared(motor, live, ready))


def _append(log: Path, line: str) -> None:
    """On a full disk the line is left out: what is prepared may lie on another one, and says so if not."""
    with contextlib.suppress(OSError):
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as file:
            file.write(line.rstrip("\n") + "\n")


def prepared(motor: Motor, live: Live, ready: Prepared) -> None:
    live.busy = False
    if live.job.cancel:
        return ending.canceled(motor, live)
    live.task = ready.task
    if ready.lock:
        motor.remember_lock(live, ready.lock)
    return starting.claim(motor, live)


def failed(motor: Motor, live: Live, error: ZaffreError) -> None:
    live.busy = False
    if live.job.cancel:
        return ending.canceled(motor, live)
    if error.code == "DiskFull":
        return again.when_there_is_space(motor, live, error.message)
    return ending.failed(motor, live, error)
