"""The status of a job in MLflow's words, and back for the runs that a client moves itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zaffre.core.job_state import Status

S = Status
FROM_MLFLOW: Mapping[str, Status] = {
    "RUNNING": S.RUNNING,
    "SCHEDULED": S.QUEUED,
    "FINISHED": S.COMPLETED,
    "FAILED": S.FAILED,
    "KILLED": S.CANCELED,
}
TO_MLFLOW: Mapping[str, str] = {
    S.NOT_STARTED: "SCHEDULED",
    S.QUEUED: "SCHEDULED",
    S.PREPARING: "SCHEDULED",
    S.STARTING: "SCHEDULED",
    S.RUNNING: "RUNNING",
    S.FINALIZING: "RUNNING",
    S.CANCEL_REQUESTED: "RUNNING",
    S.COMPLETED: "FINISHED",
    S.FAILED: "FAILED",
    S.CANCELED: "KILLED",
}
MEANING: Mapping[str, Sequence[str]] = {
    theirs: [str(ours) for ours, shown in TO_MLFLOW.items() if shown == theirs] for theirs in FROM_MLFLOW
}
