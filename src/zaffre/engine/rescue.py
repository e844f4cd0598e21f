"""When a stage of a job fails with an error nobody foresaw: that job ends, everything else goes on."""

from __future__ import annotations

import contextlib
import logging

from zaffre.base.clock import now_ms
from zaffre.base.errors import ZaffreError
from zaffre.core.job_state import TERMINAL, Status
from zaffre.engine.job import ending
from zaffre.engine.live import Live
from zaffre.engine.motor import Motor
from zaffre.store import jobs as store

log = logging.getLogger("zaffre.engine")
HINT = "the log of the server has the details"


def rescue(motor: Motor, live: Live, error: Exception) -> None:
    """The step fails with the reason. A pipeline that cannot go on is given up, with all that runs below it."""
    problem = in_words(error)
    log.error(
        "job %s fails: %s", live.job.name, problem.message, exc_info=None if isinstance(error, ZaffreError) else error
    )
    if live.job.type == "pipeline" or live.job.status in TERMINAL:
        return give_up(motor, live.job.root_id, problem)
    _stop(motor, live)
    return ending.failed(motor, live, problem)


def give_up(motor: Motor, root_id: int, problem: ZaffreError) -> None:
    """Every living job of the tree fails, in a transaction of its own; what was to be written of it is left out."""
    motor.batch = motor.batch.without(root_id)
    if tree := motor.trees.pop(root_id, None):
        for live in list(tree.living.values()):
            _stop(motor, live)
            motor.slots.drop(live)
            motor.slots.free(live)
            motor.forget(live)
            motor.unready(live)
    error = {"code": problem.code, "message": problem.message, "hint": problem.hint}
    with motor.ctx.db.write() as connection:
        changes = {"error": error, "ended_at": now_ms(), "handle": None}
        living = [job for job in store.tree(connection, root_id) if job.status not in TERMINAL]
        moves = [store.Transition(job, job.status, Status.FAILED, problem.message, changes) for job in living]
        store.record(connection, moves)
    motor.ctx.changes.notify(root_id)


def in_words(error: Exception) -> ZaffreError:
    if isinstance(error, ZaffreError):
        return error
    if isinstance(error, OSError):
        return ending.of_os(error)
    text = f"{type(error).__name__}: {error}".encode("utf-8", "replace").decode().replace("\0", "?")
    return ZaffreError(f"an error inside Zaffre: {text[:500]}", code="InternalError", hint=HINT)


def _stop(motor: Motor, live: Live) -> None:
    if live.job.handle:
        with contextlib.suppress(Exception):
            motor.compute.stop(live.job.handle, 0)
