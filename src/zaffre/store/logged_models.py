"""Logged models in the database: what a run said is a model, before anybody registers it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from sqlalchemy import Connection, case, select, tuple_, update

from zaffre.base.clock import now_ms
from zaffre.base.errors import NotFound
from zaffre.store.db import Database
from zaffre.store.metrics import Point
from zaffre.store.tables.jobs import jobs
from zaffre.store.tables.tracking import logged_models, model_metrics, model_uses

M = logged_models.c
U = model_uses.c
V = model_metrics.c


@dataclass(frozen=True)
class LoggedModel:
    """`name` is the id that clients use (`m-...`), `title` what they call it; `path` is below the artifacts."""

    id: int
    workspace: str
    name: str
    title: str
    experiment_id: int
    job_id: int | None
    type: str | None
    status: str
    path: str
    tags: dict[str, str]
    params: dict[str, str]
    deleted: bool
    created_at: int
    changed_at: int


COLUMNS = tuple(M[item.name] for item in fields(LoggedModel))


class ModelUse(NamedTuple):
    """A run used a model (`input`) or made it (`output`, at a step)."""

    model: str
    direction: str
    step: int


class ModelPoint(NamedTuple):
    """A metric value that belongs to a model, and to a data set if it names one."""

    model: str
    point: Point
    dataset_name: str = ""
    dataset_digest: str = ""


class ModelValue(NamedTuple):
    """The last value of a metric of a model."""

    run: str
    key: str
    value: float
    timestamp: int
    step: int
    dataset_name: str
    dataset_digest: str


def insert(connection: Connection, record: LoggedModel) -> None:
    connection.execute(logged_models.insert(), {item.name: getattr(record, item.name) for item in fields(LoggedModel)})


def get(connection: Connection, workspace: str, name: str, *, allow_deleted: bool = False) -> LoggedModel:
    """Raises `NotFound`."""
    row = connection.execute(select(*COLUMNS).where(M.workspace == workspace, M.name == name)).first()
    if row is None or (LoggedModel(*row).deleted and not allow_deleted):
        raise NotFound(
            f"Logged model with ID '{name}' not found.", code="LoggedModelNotFound", hint="search_logged_models()"
        )
    return LoggedModel(*row)


def path_taken(connection: Connection, workspace: str, path: str) -> bool:
    return connection.execute(select(M.id).where(M.workspace == workspace, M.path == path)).first() is not None


def change(connection: Connection, record: LoggedModel, values: Mapping[str, Any]) -> None:
    connection.execute(update(logged_models).where(M.id == record.id).values(**values, changed_at=now_ms()))


def in_experiments(connection: Connection, workspace: str, experiment_ids: Sequence[int]) -> list[LoggedModel]:
    """Newest first."""
    where = [M.workspace == workspace, M.experiment_id.in_(experiment_ids), M.deleted.is_(False)]
    return [LoggedModel(*row) for row in connection.execute(select(*COLUMNS).where(*where).order_by(M.id.desc()))]


def of_job(connection: Connection, job_id: int) -> list[LoggedModel]:
    query = select(*COLUMNS).where(M.job_id == job_id, M.deleted.is_(False)).order_by(M.id)
    return [LoggedModel(*row) for row in connection.execute(query)]


def add_uses(
    db: Database, connection: Connection, workspace: str, job_id: int, direction: str, models: Sequence[tuple[str, int]]
) -> None:
    """`models` are (model, step). Raises `NotFound`."""
    for name, step in models:
        values = {
            "job_id": job_id,
            "model_id": get(connection, workspace, name).id,
            "direction": direction,
            "step": step,
        }
        connection.execute(db.insert(model_uses).values(values).on_conflict_do_nothing(index_elements=list(values)))


def uses_of(connection: Connection, ids: Sequence[int]) -> dict[int, list[ModelUse]]:
    found: dict[int, list[ModelUse]] = {}
    for start in range(0, len(ids), 500):
        query = select(U.job_id, M.name, U.direction, U.step).join_from(model_uses, logged_models, U.model_id == M.id)
        for job, *values in connection.execute(
            query.where(U.job_id.in_(ids[start : start + 500])).order_by(M.id, U.step)
        ):
            found.setdefault(job, []).append(ModelUse(*values))
    return found


def add_points(db: Database, connection: Connection, workspace: str, job_id: int, points: Sequence[ModelPoint]) -> None:
    """Keep the last value of each key. Raises `NotFound`."""
    ids: dict[str, int] = {}
    place = ["model_id", "job_id", "key", "dataset_name", "dataset_digest"]
    for name, point, dataset_name, dataset_digest in points:
        if name not in ids:
            ids[name] = get(connection, workspace, name).id
        is_nan = math.isnan(point.value)
        statement = db.insert(model_metrics).values(
            model_id=ids[name], job_id=job_id, key=point.key, dataset_name=dataset_name, dataset_digest=dataset_digest,
            value=0.0 if is_nan else point.value, is_nan=is_nan, step=point.step, timestamp=point.timestamp,
        )  # fmt: skip
        new = statement.excluded
        newer = tuple_(new.step, new.timestamp, new.value) >= tuple_(V.step, V.timestamp, V.value)
        taken = {
            column: case((newer, new[column]), else_=V[column]) for column in ("value", "is_nan", "step", "timestamp")
        }
        connection.execute(statement.on_conflict_do_update(index_elements=place, set_=taken))


def values_of(connection: Connection, ids: Sequence[int]) -> dict[int, list[ModelValue]]:
    found: dict[int, list[ModelValue]] = {}
    for start in range(0, len(ids), 500):
        query = (
            select(
                V.model_id, jobs.c.name, V.key, V.value, V.is_nan, V.timestamp, V.step, V.dataset_name, V.dataset_digest
            )
            .join_from(model_metrics, jobs, V.job_id == jobs.c.id)
            .where(V.model_id.in_(ids[start : start + 500]))
            .order_by(V.key)
        )
        for model, run, key, value, is_nan, *rest in connection.execute(query):
            found.setdefault(model, []).append(ModelValue(run, key, math.nan if is_nan else value, *rest))
    return found
