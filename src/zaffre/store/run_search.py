"""The search for runs: clauses of the filter language as SQL over jobs and what they logged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, String, and_, case, func, literal, not_, select
from sqlalchemy.sql.elements import ColumnElement

from zaffre.core.search_filter import Clause, Op, Order
from zaffre.store.compare import compare
from zaffre.store.db import Database
from zaffre.store.runs import COLUMNS, SOURCE, STARTED, RunRecord
from zaffre.store.tables.jobs import jobs
from zaffre.store.tables.tracking import dataset_uses, datasets, metric_latest, params, tags

J = jobs.c
RUN_NAME, PARENT = "mlflow.runName", "mlflow.parentRunId"


def search(
    db: Database,
    connection: Connection,
    workspace: str,
    experiment_ids: Sequence[int],
    *,
    clauses: Sequence[Clause] = (),
    orders: Sequence[Order] = (),
    deleted: bool | None = False,
    statuses: Mapping[str, Sequence[str]],
    artifact_root: str,
    limit: int,
    offset: int = 0,
) -> list[RunRecord]:
    """Runs of these experiments, newest first unless ordered otherwise.

    `statuses` says which of our statuses each one of MLflow's means; `artifact_root` precedes the name of a run in its
    artifact_uri.
    """
    where = [J.workspace == workspace, J.experiment_id.in_(experiment_ids)]
    if deleted is not None:
        where.append(J.archived.is_(deleted))
    build = _Conditions(db.is_sqlite, statuses, artifact_root)
    where += [build.condition(clause) for clause in clauses]
    query = select(*COLUMNS).where(*where)
    for order in orders:
        query = query.order_by(*build.ordering(order))
    query = query.order_by(STARTED.desc(), J.id.desc()).limit(limit).offset(offset)
    return [RunRecord(*row) for row in connection.execute(query)]


class _Conditions:
    def __init__(self, sqlite: bool, statuses: Mapping[str, Sequence[str]], artifact_root: str) -> None:
        self.sqlite, self.statuses, self.artifact_root = sqlite, statuses, artifact_root

    def condition(self, clause: Clause) -> ColumnElement[bool]:
        match clause.entity:
            case "metric":
                return self._metric(clause)
            case "param":
                return self._text_row(params, clause)
            case "tag" if clause.key == RUN_NAME:
                return self._compare(self._attribute("run_name"), clause)
            case "tag" if clause.key == PARENT:
                return self._compare(self._parent(), clause)
            case "tag":
                return self._text_row(tags, clause)
            case "dataset":
                return self._dataset(clause)
            case "attribute" if clause.key == "status":
                return self._status(clause)
            case _:
                return self._compare(self._attribute(clause.key), clause)

    def ordering(self, order: Order) -> list[ColumnElement[Any]]:
        """What has no value comes last in either direction, and NaN before it."""
        match order.entity:
            case "metric":
                M = metric_latest.c
                held = and_(M.job_id == SOURCE, M.key == order.key)
                column: ColumnElement[Any] = select(M.value).where(held).scalar_subquery()
                nan = select(M.is_nan).where(held).scalar_subquery()
                rank = case((column.is_(None), 2), (nan.is_(True), 1), else_=0)
            case "param":
                column = self._value(params, order.key)
                rank = case((column.is_(None), 1), else_=0)
            case "tag":
                column = self._attribute("run_name") if order.key == RUN_NAME else self._value(tags, order.key)
                rank = case((column.is_(None), 1), else_=0)
            case _:
                column = self._attribute(order.key)
                rank = case((column.is_(None), 1), else_=0)
        return [rank, column.asc() if order.ascending else column.desc()]

    def _compare(self, column: ColumnElement[Any], clause: Clause) -> ColumnElement[bool]:
        return compare(self.sqlite, column, clause.op, clause.value)

    def _metric(self, clause: Clause) -> ColumnElement[bool]:
        M = metric_latest.c
        held = and_(M.job_id == SOURCE, M.key == clause.key, M.is_nan.is_(False), self._compare(M.value, clause))
        return select(literal(1)).where(held).correlate(jobs).exists()

    def _text_row(self, table: Any, clause: Clause) -> ColumnElement[bool]:
        held = and_(table.c.job_id == _logger_of(table), table.c.key == clause.key)
        if clause.op in (Op.IS_NULL, Op.IS_NOT_NULL):
            there = select(literal(1)).where(held).correlate(jobs).exists()
            return there if clause.op is Op.IS_NOT_NULL else not_(there)
        return select(literal(1)).where(held, self._compare(table.c.value, clause)).correlate(jobs).exists()

    def _value(self, table: Any, key: str) -> ColumnElement[Any]:
        value: ColumnElement[Any] = (
            select(table.c.value).where(table.c.job_id == _logger_of(table), table.c.key == key).scalar_subquery()
        )
        return value

    def _parent(self) -> ColumnElement[Any]:
        """The name of the parent: of a job from its row, else what the client said."""
        parent = jobs.alias("parent")
        return func.coalesce(
            select(parent.c.name).where(parent.c.id == J.parent_id).scalar_subquery(), self._value(tags, PARENT)
        )

    def _dataset(self, clause: Clause) -> ColumnElement[bool]:
        D, U = datasets.c, dataset_uses.c
        column = U.tags["mlflow.data.context"].as_string() if clause.key == "context" else D[clause.key]
        query = select(literal(1)).join_from(dataset_uses, datasets, U.dataset_id == D.id)
        return query.where(U.job_id == SOURCE, self._compare(column, clause)).correlate(jobs).exists()

    def _status(self, clause: Clause) -> ColumnElement[bool]:
        shown = case(
            {ours: theirs for theirs, many in self.statuses.items() for ours in many}, value=J.status, else_="RUNNING"
        )
        return self._compare(shown, clause)

    def _attribute(self, key: str) -> ColumnElement[Any]:
        match key:
            case "run_id":
                return J.name
            case "run_name":
                return func.coalesce(J.display_name, J.name)
            case "status":
                return J.status
            case "user_id":
                return J.created_by
            case "artifact_uri":
                return literal(self.artifact_root, String) + J.name
            case "start_time":
                return STARTED
            case _:
                return J.ended_at


def _logger_of(table: Any) -> ColumnElement[int]:
    """Tags are a reused step's own; parameters are those of the job that really ran."""
    return SOURCE if table is params else J.id
