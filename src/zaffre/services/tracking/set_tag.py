"""Set or remove a tag of a run."""

from __future__ import annotations

from zaffre.base.errors import NotFound
from zaffre.services.context import Context
from zaffre.services.tracking.log_batch import set_tags_of
from zaffre.store import job_tags, runs


def set_tag(context: Context, workspace: str, run: str, key: str, value: str) -> None:
    with context.db.write() as connection:
        set_tags_of(context, connection, runs.active(connection, workspace, run).id, {key: value})


def delete_tag(context: Context, workspace: str, run: str, key: str) -> None:
    """Raises `NotFound` when the run has no such tag."""
    with context.db.write() as connection:
        record = runs.active(connection, workspace, run)
        if key not in job_tags.tags_of(connection, [record.id]).get(record.id, {}):
            raise NotFound(
                f"No tag with name: {key} in run with id {run}", code="TagNotFound", hint="mlflow.get_run(run_id)"
            )
        set_tags_of(context, connection, record.id, {key: None})
