"""CancelRequested: from whatever status, a job on its way to its end."""

from __future__ import annotations

from zaffre.core.job_state import Status
from zaffre.engine.job import ending, running
from zaffre.engine.live import Live
from zaffre.engine.motor import Motor


def cancel(motor: Motor, live: Live) -> None:
    """Somebody asked for its end. What runs is stopped, what waits ends at once."""
    live.job.cancel = True
    status = live.job.status
    if live.plan.get("kind") == "pipeline":
        for child in [item for item in live.tree.living.values() if item.parent is live]:
            cancel(motor, child)
        if status is Status.QUEUED:
            ending.canceled(motor, live)
        elif status is not Status.CANCEL_REQUESTED:
            motor.batch.move(live, Status.CANCEL_REQUESTED, "cancel requested")
            motor.settle(live)
    elif status is Status.QUEUED:
        motor.slots.drop(live)
        ending.canceled(motor, live)
    elif status is Status.RUNNING:
        running.stop(motor, live)
    elif status is Status.PREPARING and not live.busy:
        ending.canceled(motor, live)
    # Preparing in a worker, Starting, Finalizing: those see `job.cancel` when they come to their end.
