"""Rename, delete, restore, tag an experiment."""

from __future__ import annotations

from sqlalchemy import Connection

from zaffre.services.context import Context
from zaffre.services.tracking.experiment import DEFAULT_NAME, resolve
from zaffre.services.tracking.values import wrong
from zaffre.store import experiments
from zaffre.store.experiments import ExperimentRecord


def rename_experiment(context: Context, workspace: str, id_: str, name: str) -> None:
    """Raises `Conflict` when the name is taken."""
    with context.db.write() as connection:
        record = resolve(context, connection, workspace, id_, writing=True)
        if DEFAULT_NAME in (record.name, name) and record.name != name:
            raise wrong(f"The experiment '{DEFAULT_NAME}' keeps its name: it is where runs without an experiment go")
        if not name.strip() or len(name) > 255:
            raise wrong("Invalid experiment name: it must have 1 to 255 characters")
        experiments.rename(connection, record, name)


def delete_experiment(context: Context, workspace: str, id_: str) -> None:
    """Mark as deleted; nothing is lost."""
    with context.db.write() as connection:
        record = resolve(context, connection, workspace, id_, writing=True)
        _set_deleted(connection, record, True)


def restore_experiment(context: Context, workspace: str, id_: str) -> None:
    with context.db.write() as connection:
        _set_deleted(connection, resolve(context, connection, workspace, id_), False)


def _set_deleted(connection: Connection, record: ExperimentRecord, deleted: bool) -> None:
    if record.name == DEFAULT_NAME and deleted:
        raise wrong(f"The experiment '{DEFAULT_NAME}' cannot be deleted: it is where runs without an experiment go")
    experiments.change(connection, record.id, {"deleted": deleted})


def set_experiment_tags(context: Context, workspace: str, id_: str, tags: dict[str, str | None]) -> None:
    """None removes a tag."""
    with context.db.write() as connection:
        record = resolve(context, connection, workspace, id_, writing=True)
        merged = {key: value for key, value in {**record.tags, **tags}.items() if value is not None}
        experiments.change(connection, record.id, {"tags": merged})
