"""The life of a job as one table.

Two rules hold: a status changes only along TRANSITIONS, and a status without exits is the end. Names are those that
Azure ML shows. Why a job has a status is said in a second field, its reason.
"""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    NOT_STARTED = "NotStarted"  # a node of a pipeline whose turn has not come
    QUEUED = "Queued"  # waits for a slot of its compute, or for its next attempt
    PREPARING = "Preparing"  # its environment is built, its inputs and code are brought
    STARTING = "Starting"  # claimed: its process is about to start, or just did
    RUNNING = "Running"
    FINALIZING = "Finalizing"  # the process ended; outputs are kept
    CANCEL_REQUESTED = "CancelRequested"  # somebody asked for its end; its processes are being stopped
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELED = "Canceled"


S = Status
TRANSITIONS: dict[Status, frozenset[Status]] = {
    S.NOT_STARTED: frozenset({S.QUEUED, S.COMPLETED, S.CANCELED}),
    S.QUEUED: frozenset({S.PREPARING, S.STARTING, S.RUNNING, S.COMPLETED, S.CANCELED, S.FAILED}),
    S.PREPARING: frozenset({S.STARTING, S.CANCEL_REQUESTED, S.CANCELED, S.FAILED, S.QUEUED}),
    S.STARTING: frozenset({S.RUNNING, S.FINALIZING, S.CANCEL_REQUESTED, S.CANCELED, S.FAILED, S.QUEUED}),
    S.RUNNING: frozenset({S.FINALIZING, S.CANCEL_REQUESTED, S.COMPLETED, S.FAILED, S.CANCELED, S.QUEUED}),
    S.FINALIZING: frozenset({S.COMPLETED, S.FAILED, S.QUEUED, S.CANCEL_REQUESTED, S.CANCELED}),
    S.CANCEL_REQUESTED: frozenset({S.CANCELED, S.FAILED}),
    S.COMPLETED: frozenset(),
    S.FAILED: frozenset(),
    S.CANCELED: frozenset(),
}
TERMINAL = frozenset(status for status, exits in TRANSITIONS.items() if not exits)
LIVING = frozenset(Status) - TERMINAL


def sources(target: Status) -> frozenset[Status]:
    """The statuses from which `target` may be reached: the guard of the update."""
    return frozenset(status for status, exits in TRANSITIONS.items() if target in exits)
