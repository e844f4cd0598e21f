"""What a client says about a run: its status, end, name; delete and restore."""

from __future__ import annotations

from typing import Any

from zaffre.core.run_status import FROM_MLFLOW
from zaffre.services.context import Context
from zaffre.services.tracking.run import Run, load
from zaffre.services.tracking.values import wrong
from zaffre.store import job_tags, runs
from zaffre.store.run_conditions import RUN_NAME


def update_run(
    context: Context, workspace: str, name: str, *, status: str | None, end_time: int | None, run_name: str | None
) -> Run:
    """A run that a job carries keeps the status of its job: a script that says FINISHED has not ended its job."""
    if status is not None and status not in FROM_MLFLOW:
        raise wrong(f"Invalid run status {status!r:.100}: it is one of {', '.join(FROM_MLFLOW)}")
    with context.db.write() as connection:
        run = runs.active(connection, workspace, name)
        if status is not None and run.type == runs.INTERACTIVE:
            runs.set_status(connection, run, FROM_MLFLOW[status], end_time)
            context.db.after_commit(lambda: context.changes.notify(run.root_id))
        if run_name:
            runs.change(connection, run, {"display_name": run_name})
            job_tags.set_tags(context.db, connection, run.id, {RUN_NAME: run_name})
        return load(connection, workspace, [runs.get(connection, workspace, name)])[0]


def delete_run(context: Context, workspace: str, name: str) -> None:
    """Hidden, not lost. Raises `NotFound`."""
    _change(context, workspace, name, {"archived": True})


def restore_run(context: Context, workspace: str, name: str) -> None:
    _change(context, workspace, name, {"archived": False})


def _change(context: Context, workspace: str, name: str, values: dict[str, Any]) -> None:
    with context.db.write() as connection:
        runs.change(connection, runs.get(connection, workspace, name), values)
