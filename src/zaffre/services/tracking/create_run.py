"""Create a run that no job carries."""

from __future__ import annotations

from collections.abc import Mapping

from zaffre.base.clock import now_ms
from zaffre.base.ids import job_name
from zaffre.services.context import Context
from zaffre.services.tracking.experiment import resolve
from zaffre.services.tracking.run import Run, load
from zaffre.store import runs
from zaffre.store.run_conditions import PARENT, RUN_NAME


def create_run(
    context: Context,
    workspace: str,
    *,
    experiment_id: str,
    run_name: str | None,
    user: str | None,
    start_time: int | None,
    tags: Mapping[str, str],
) -> Run:
    """An interactive job, Running. Its parent is what the tag `mlflow.parentRunId` names, when there is such a run."""
    name = job_name()
    shown = run_name or tags.get(RUN_NAME) or name
    with context.db.write() as connection:
        experiment = resolve(context, connection, workspace, experiment_id, writing=True)
        parent = tags.get(PARENT)
        parent_id = runs.ids_of(connection, workspace, [parent]).get(parent) if parent else None
        runs.create(
            context.db,
            connection,
            workspace,
            name,
            experiment_id=experiment.id,
            display_name=shown,
            user=user or tags.get("mlflow.user") or context.principal.name,
            started_at=start_time or now_ms(),
            parent_id=parent_id,
            tags={**tags, RUN_NAME: shown},
        )
        return load(connection, workspace, [runs.get(connection, workspace, name)])[0]
