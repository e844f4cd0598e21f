"""Which experiment a client means. Id "0" is the workspace's experiment `Default`, as MLflow has it."""

from __future__ import annotations

from sqlalchemy import Connection

from zaffre.base.errors import InvalidRequest
from zaffre.services.context import Context
from zaffre.services.tracking.values import wrong
from zaffre.store import experiments
from zaffre.store.experiments import ExperimentRecord

DEFAULT_ID, DEFAULT_NAME = "0", "Default"


def shown_id(record: ExperimentRecord) -> str:
    return DEFAULT_ID if record.name == DEFAULT_NAME else str(record.id)


def resolve(
    context: Context, connection: Connection, workspace: str, id_: str, *, writing: bool = False
) -> ExperimentRecord:
    """Raises `NotFound`; when `writing`, `InvalidRequest` for a deleted one, and `Default` is made if need be."""
    if id_ == DEFAULT_ID:
        record = experiments.find(connection, workspace, DEFAULT_NAME)
        if record is None and writing:
            record = experiments.ensure(context.db, connection, workspace, DEFAULT_NAME)
        if record is None:
            record = ExperimentRecord(0, workspace, DEFAULT_NAME, None, {}, False, 0, 0)
    else:
        record = experiments.get(connection, workspace, number(id_))
    if writing and record.deleted:
        raise InvalidRequest(
            f"The experiment {id_} must be in the 'active' state. Current state is deleted.",
            code="ExperimentDeleted",
            hint="MlflowClient().restore_experiment(experiment_id)",
        )
    return record


def number(id_: str) -> int:
    """Raises `InvalidRequest` for what cannot be an experiment id."""
    if not isinstance(id_, str) or not id_.isascii() or not id_.isdigit() or int(id_) >= 2**63:
        raise wrong(f"Invalid experiment ID: {id_!r:.100}")
    return int(id_)
