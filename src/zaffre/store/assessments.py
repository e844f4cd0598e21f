"""What people, code and judges said of a trace, in the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, delete, select, update

from zaffre.base.errors import NotFound
from zaffre.store.tables.traces import trace_assessments

A = trace_assessments.c


@dataclass(frozen=True)
class Assessment:
    """`name` is MLflow's assessment_id, `title` its name; `value` and `number` are what searches compare with."""

    trace_id: int
    name: str
    kind: str
    title: str
    value: str | None
    number: float | None
    body: dict[str, Any]
    created_at: int


COLUMNS = tuple(A[item.name] for item in fields(Assessment))


def insert(connection: Connection, record: Assessment) -> None:
    values = {item.name: getattr(record, item.name) for item in fields(Assessment)}
    connection.execute(trace_assessments.insert(), values)


def get(connection: Connection, trace_id: int, name: str) -> Assessment:
    """Raises `NotFound`."""
    row = connection.execute(select(*COLUMNS).where(A.trace_id == trace_id, A.name == name)).first()
    if row is None:
        raise NotFound(
            f"Assessment with ID '{name}' not found in this trace.",
            code="AssessmentNotFound",
            hint="mlflow.get_trace(trace_id).info.assessments",
        )
    return Assessment(*row)


def of(connection: Connection, ids: Sequence[int]) -> dict[int, list[Assessment]]:
    """By trace, oldest first."""
    found: dict[int, list[Assessment]] = {}
    for start in range(0, len(ids), 500):
        query = select(*COLUMNS).where(A.trace_id.in_(ids[start : start + 500]))
        for row in connection.execute(query.order_by(A.created_at, A.name)):
            found.setdefault(row.trace_id, []).append(Assessment(*row))
    return found


def change(connection: Connection, record: Assessment, values: Mapping[str, Any]) -> None:
    where = (A.trace_id == record.trace_id) & (A.name == record.name)
    connection.execute(update(trace_assessments).where(where).values(**values))


def remove(connection: Connection, trace_id: int, name: str) -> None:
    connection.execute(delete(trace_assessments).where(A.trace_id == trace_id, A.name == name))
