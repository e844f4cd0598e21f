"""The search for traces: clauses of the filter language as SQL over traces, their spans and assessments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, and_, case, func, literal, not_, select
from sqlalchemy.sql.elements import ColumnElement

from zaffre.core.search_filter import Clause, Op, Order
from zaffre.store.compare import compare
from zaffre.store.db import Database
from zaffre.store.tables.traces import trace_assessments, trace_runs, trace_spans, traces
from zaffre.store.traces import COLUMNS, TraceRecord

T = traces.c
TRACE_NAME = "mlflow.traceName"


def search(
    db: Database,
    connection: Connection,
    workspace: str,
    experiment_ids: Sequence[int],
    *,
    clauses: Sequence[Clause] = (),
    orders: Sequence[Order] = (),
    limit: int,
    offset: int = 0,
) -> list[TraceRecord]:
    """Traces of these experiments, newest first unless ordered otherwise."""
    build = _Conditions(db.is_sqlite)
    where = [T.workspace == workspace, T.experiment_id.in_(experiment_ids)]
    query = select(*COLUMNS).where(*where, *(build.condition(clause) for clause in clauses))
    for order in orders:
        column = build.column(order.entity, order.key)
        query = query.order_by(case((column.is_(None), 1), else_=0), column.asc() if order.ascending else column.desc())
    query = query.order_by(T.started_at.desc(), T.id.desc()).limit(limit).offset(offset)
    return [TraceRecord(*row) for row in connection.execute(query)]


class _Conditions:
    def __init__(self, sqlite: bool) -> None:
        self.sqlite = sqlite

    def condition(self, clause: Clause) -> ColumnElement[bool]:
        match clause.entity:
            case "span":
                return self._span(clause)
            case "feedback" | "expectation":
                return self._assessment(clause)
            case "attribute" if clause.key == "run_id":
                R = trace_runs.c
                held = and_(R.trace_id == T.id, self._compare(R.run, clause))
                return select(literal(1)).where(held).correlate(traces).exists()
            case _:
                return self._compare(self.column(clause.entity, clause.key), clause)

    def column(self, entity: str, key: str) -> ColumnElement[Any]:
        if entity == "tag":
            return self._held(T.tags, key)
        if entity == "metadata":
            return self._held(T.details, key)
        match key:
            case "trace_id":
                return T.name
            case "state":
                return T.state
            case "client_request_id":
                return T.client_id
            case "name":
                return self._held(T.tags, TRACE_NAME)
            case "run_id":
                return self._held(T.details, "mlflow.sourceRun")
            case "execution_time_ms":
                return T.duration
            case "end_time_ms":
                return T.started_at + T.duration
            case _:
                return T.started_at

    def _held(self, column: ColumnElement[Any], key: str) -> ColumnElement[Any]:
        """A value of an object by its key. SQLite's own path language cannot name keys with quotation marks."""
        if not self.sqlite:
            return column[key].as_string()  # type: ignore[no-any-return]
        pair = func.json_each(column).table_valued("key", "value")
        return select(pair.c.value).select_from(pair).where(pair.c.key == key).correlate(traces).scalar_subquery()

    def _compare(self, column: ColumnElement[Any], clause: Clause) -> ColumnElement[bool]:
        return compare(self.sqlite, column, clause.op, clause.value)

    def _span(self, clause: Clause) -> ColumnElement[bool]:
        S = trace_spans.c
        column = {"name": S.name, "type": S.type, "status": S.status}[clause.key]
        held = and_(S.trace_id == T.id, self._compare(column, clause))
        return select(literal(1)).where(held).correlate(traces).exists()

    def _assessment(self, clause: Clause) -> ColumnElement[bool]:
        A = trace_assessments.c
        held = and_(A.trace_id == T.id, A.kind == clause.entity, A.title == clause.key)
        if clause.op not in (Op.IS_NULL, Op.IS_NOT_NULL):
            held = and_(held, self._compare(A.value if isinstance(clause.value, str) else A.number, clause))
        there = select(literal(1)).where(held).correlate(traces).exists()
        return not_(there) if clause.op is Op.IS_NULL else there
