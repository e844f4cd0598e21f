"""Show an experiment, by id or by name."""

from __future__ import annotations

from zaffre.base.errors import NotFound
from zaffre.services.context import Context
from zaffre.services.tracking.experiment import DEFAULT_ID, DEFAULT_NAME, resolve
from zaffre.store import experiments
from zaffre.store.experiments import ExperimentRecord


def get_experiment(context: Context, workspace: str, id_: str) -> ExperimentRecord:
    """Raises `NotFound`."""
    with context.db.read() as connection:
        record = resolve(context, connection, workspace, id_)
    return record if record.id else _default(context, workspace)


def get_experiment_by_name(context: Context, workspace: str, name: str) -> ExperimentRecord:
    """Deleted ones too, as MLflow does. Raises `NotFound`."""
    with context.db.read() as connection:
        record = experiments.find(connection, workspace, name)
    if record is None and name == DEFAULT_NAME:
        return _default(context, workspace)
    if record is None:
        raise NotFound(
            f"Could not find experiment with name '{name}'",
            code="ExperimentNotFound",
            hint="mlflow.search_experiments()",
        )
    return record


def _default(context: Context, workspace: str) -> ExperimentRecord:
    with context.db.write() as connection:
        return resolve(context, connection, workspace, DEFAULT_ID, writing=True)
