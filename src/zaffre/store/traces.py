"""Traces in the database: what each was about, its spans as compressed bodies, the runs it belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, delete, exists, func, select, update

from zaffre.base.errors import NotFound
from zaffre.base.ids import sequence
from zaffre.store.db import Database
from zaffre.store.tables.traces import trace_runs, trace_spans, traces

T = traces.c
S = trace_spans.c


@dataclass(frozen=True)
class TraceRecord:
    """One trace; columns of `traces`. `name` is MLflow's trace_id, times are milliseconds."""

    id: int
    workspace: str
    name: str
    experiment_id: int
    state: str
    started_at: int
    duration: int | None
    client_id: str | None
    request: str | None
    response: str | None
    tags: dict[str, str]
    details: dict[str, str]


@dataclass(frozen=True)
class SpanRecord:
    """One span: what is searched for, and its whole body."""

    span: str
    parent: str | None
    name: str
    type: str | None
    status: str
    started_ns: int
    body: bytes


COLUMNS = tuple(T[item.name] for item in fields(TraceRecord))
_SPAN_COLUMNS = tuple(S[item.name] for item in fields(SpanRecord))


def ensure(
    db: Database, connection: Connection, workspace: str, name: str, experiment_id: int, started_at: int
) -> TraceRecord:
    """The trace of this name, locked for the transaction; made when there is none."""
    values = {
        "id": sequence(), "workspace": workspace, "name": name, "experiment_id": experiment_id,
        "state": "IN_PROGRESS", "started_at": started_at, "tags": {}, "details": {},
    }  # fmt: skip
    connection.execute(db.insert(traces).values(values).on_conflict_do_nothing(index_elements=["workspace", "name"]))
    return get(connection, workspace, name, lock=True)


def get(connection: Connection, workspace: str, name: str, *, lock: bool = False) -> TraceRecord:
    """`lock` keeps other writers from it until the transaction ends. Raises `NotFound`."""
    query = select(*COLUMNS).where(T.workspace == workspace, T.name == name)
    row = connection.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise NotFound(f"Trace with ID '{name}' not found.", code="TraceNotFound", hint="mlflow.search_traces()")
    return TraceRecord(*row)


def many(connection: Connection, workspace: str, names: Sequence[str]) -> list[TraceRecord]:
    """Those that exist, in the order of `names`."""
    query = select(*COLUMNS).where(T.workspace == workspace, T.name.in_(names))
    found = {row.name: TraceRecord(*row) for row in connection.execute(query)}
    return [found[name] for name in dict.fromkeys(names) if name in found]


def change(connection: Connection, record: TraceRecord, values: Mapping[str, Any]) -> None:
    connection.execute(update(traces).where(T.id == record.id).values(**values))


def add_spans(db: Database, connection: Connection, record: TraceRecord, spans: Sequence[SpanRecord]) -> None:
    """A span that comes again replaces what was known of it: it may have ended since."""
    if not spans:
        return
    statement = db.insert(trace_spans)
    names = [item.name for item in fields(SpanRecord)]
    statement = statement.on_conflict_do_update(
        index_elements=["trace_id", "span"],
        set_={name: statement.excluded[name] for name in names if name != "span"},
    )
    last = {span.span: span for span in spans}  # PostgreSQL refuses to change one row twice
    rows = [{"trace_id": record.id, **{name: getattr(span, name) for name in names}} for span in last.values()]
    connection.execute(statement, sorted(rows, key=lambda row: row["span"]))


def spans_of(connection: Connection, ids: Sequence[int]) -> dict[int, list[SpanRecord]]:
    """The spans of each trace, in the order in which they began."""
    found: dict[int, list[SpanRecord]] = {}
    for start in range(0, len(ids), 500):
        query = select(S.trace_id, *_SPAN_COLUMNS).where(S.trace_id.in_(ids[start : start + 500]))
        for trace, *values in connection.execute(query.order_by(S.trace_id, S.started_ns, S.span)):
            found.setdefault(trace, []).append(SpanRecord(*values))
    return found


def span_count(connection: Connection, trace_id: int) -> int:
    return connection.execute(select(func.count()).where(S.trace_id == trace_id)).scalar_one()


def add_run(db: Database, connection: Connection, trace_id: int, run: str) -> None:
    """Say that a trace belongs to a run; once is enough."""
    statement = db.insert(trace_runs).values(trace_id=trace_id, run=run)
    connection.execute(statement.on_conflict_do_nothing(index_elements=["trace_id", "run"]))


def select_to_delete(
    connection: Connection,
    workspace: str,
    experiment_id: int,
    *,
    names: Sequence[str] | None = None,
    until: int | None = None,
    most: int | None = None,
) -> list[tuple[int, str]]:
    """(id, name) of the traces of these names, or of those that began until a time, oldest first."""
    query = select(T.id, T.name).where(T.workspace == workspace, T.experiment_id == experiment_id)
    if names is not None:
        query = query.where(T.name.in_(names))
    if until is not None:
        query = query.where(T.started_at <= until)
    return [(id_, name) for id_, name in connection.execute(query.order_by(T.started_at, T.id).limit(most))]


def remove(connection: Connection, ids: Sequence[int]) -> None:
    for start in range(0, len(ids), 500):
        connection.execute(delete(traces).where(T.id.in_(ids[start : start + 500])))


def known(connection: Connection, workspace: str, name: str) -> bool:
    where = (T.workspace == workspace) & (T.name == name)
    return bool(connection.execute(select(exists().where(where))).scalar())
