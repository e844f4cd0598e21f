"""Experiments in the database: a name under which runs are collected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, select, update

from zaffre.base.clock import now_ms
from zaffre.base.errors import Conflict, NotFound
from zaffre.base.ids import sequence
from zaffre.store import resources
from zaffre.store.db import Database
from zaffre.store.tables.resources import experiments

E = experiments.c


@dataclass(frozen=True)
class ExperimentRecord:
    """One experiment as remembered; columns of `experiments`."""

    id: int
    workspace: str
    name: str
    description: str | None
    tags: dict[str, str]
    deleted: bool
    created_at: int
    changed_at: int


COLUMNS = tuple(E[item.name] for item in fields(ExperimentRecord))


def ensure(db: Database, connection: Connection, workspace: str, name: str) -> ExperimentRecord:
    """The experiment of this name, made when there is none. Raises `NotFound` when there is no such workspace."""
    found = find(connection, workspace, name)
    if found is None:
        _insert(db, connection, workspace, name, {})
        found = find(connection, workspace, name)
        assert found is not None
    return found


def create(
    db: Database, connection: Connection, workspace: str, name: str, tags: Mapping[str, str]
) -> ExperimentRecord:
    """Raises `Conflict` when the name is taken, also by a deleted one."""
    if not _insert(db, connection, workspace, name, tags):
        taken = find(connection, workspace, name)
        state = " It is deleted: restore it." if taken and taken.deleted else ""
        raise Conflict(
            f"Experiment '{name}' already exists.{state}",
            code="ExperimentExists",
            hint="take another name, or set_experiment() to use the one there is",
        )
    found = find(connection, workspace, name)
    assert found is not None
    return found


def _insert(db: Database, connection: Connection, workspace: str, name: str, tags: Mapping[str, str]) -> bool:
    resources.get_workspace(connection, workspace)
    now = now_ms()
    statement = db.insert(experiments).values(
        id=sequence(), workspace=workspace, name=name, tags=dict(tags), deleted=False, created_at=now, changed_at=now
    )
    statement = statement.on_conflict_do_nothing(index_elements=["workspace", "name"]).returning(E.id)
    return connection.execute(statement).first() is not None  # PostgreSQL's driver counts no rows of an INSERT


def find(connection: Connection, workspace: str, name: str) -> ExperimentRecord | None:
    row = connection.execute(select(*COLUMNS).where(E.workspace == workspace, E.name == name)).first()
    return ExperimentRecord(*row) if row else None


def get(connection: Connection, workspace: str, id_: int) -> ExperimentRecord:
    """Raises `NotFound`."""
    row = connection.execute(select(*COLUMNS).where(E.workspace == workspace, E.id == id_)).first()
    if row is None:
        raise NotFound(
            f"No Experiment with id={id_} exists", code="ExperimentNotFound", hint="mlflow.search_experiments()"
        )
    return ExperimentRecord(*row)


def names_of(connection: Connection, ids: set[int]) -> dict[int, str]:
    rows = connection.execute(select(experiments.c.id, experiments.c.name).where(experiments.c.id.in_(ids)))
    return {row[0]: row[1] for row in rows}


def every(connection: Connection, workspace: str) -> list[ExperimentRecord]:
    """Newest first."""
    query = select(*COLUMNS).where(E.workspace == workspace).order_by(E.id.desc())
    return [ExperimentRecord(*row) for row in connection.execute(query)]


def change(connection: Connection, id_: int, values: Mapping[str, Any]) -> None:
    connection.execute(update(experiments).where(E.id == id_).values(**values, changed_at=now_ms()))


def rename(connection: Connection, record: ExperimentRecord, name: str) -> None:
    """Raises `Conflict` when the name is taken."""
    other = find(connection, record.workspace, name)
    if other and other.id != record.id:
        raise Conflict(f"Experiment '{name}' already exists.", code="ExperimentExists", hint="take another name")
    change(connection, record.id, {"name": name})
