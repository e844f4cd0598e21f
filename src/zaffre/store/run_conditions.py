"""Clauses and orders of the filter language as SQL over jobs and what they logged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Float, String, and_, case, func, literal, not_, select, type_coerce
from sqlalchemy.sql.elements import ColumnElement

from zaffre.core.search_filter import NULL_OPS, Clause, Op, Order
from zaffre.store.compare import compare
from zaffre.store.tables.jobs import SOURCE, STARTED, jobs
from zaffre.store.tables.resources import experiments
from zaffre.store.tables.tracking import dataset_uses, datasets, metric_latest, params, tags

J = jobs.c
RUN_NAME, PARENT = "mlflow.runName", "mlflow.parentRunId"
Kind = Literal["number", "text"]


@dataclass(frozen=True)
class Sort:
    """One column of an order, and what its values are: a cursor holds one of them."""

    column: ColumnElement[Any]
    ascending: bool
    kind: Kind


class Conditions:
    """`statuses` says which of our statuses each one of MLflow's means; `artifact_root` precedes the name of a run in
    its artifact_uri. With `mlflow`, statuses are MLflow's and parameters are sorted as text; without, statuses are ours
    (MLflow's are understood) and parameters that are numbers are sorted as such, before the others. `now` (ms) ends
    what still runs.
    """

    def __init__(
        self,
        sqlite: bool,
        workspace: str,
        statuses: Mapping[str, Sequence[str]],
        *,
        mlflow: bool,
        now: int = 0,
        artifact_root: str = "",
    ) -> None:
        self.sqlite, self.workspace, self.statuses = sqlite, workspace, statuses
        self.mlflow, self.now, self.artifact_root = mlflow, now, artifact_root
        self.counting = False

    def condition(self, clause: Clause) -> ColumnElement[bool]:
        match clause.entity:
            case "metric":
                return self._metric(clause)
            case "param":
                return self._logged_text(params, clause)
            case "tag" if clause.key == RUN_NAME:
                return self._compare(self._attribute("display_name"), clause)
            case "tag" if clause.key == PARENT:
                return self._compare(self._parent(), clause)
            case "tag":
                return self._logged_text(tags, clause)
            case "dataset":
                return self._dataset(clause)
            case "attribute" if clause.key == "status":
                return self._status(clause)
            case "attribute" if clause.key == "experiment_name" and clause.op not in NULL_OPS:
                named = self._compare(experiments.c.name, clause)
                inner = select(experiments.c.id).where(experiments.c.workspace == self.workspace, named)
                return J.experiment_id.in_(inner)
            case _:
                return self._compare(self._attribute(clause.key), clause)

    def ordering(self, order: Order) -> list[Sort]:
        """What has no value comes last in either direction, and NaN before it."""
        up = order.ascending
        kind: Kind = "text"
        match order.entity:
            case "metric":
                M = metric_latest.c
                held = and_(M.job_id == SOURCE, M.key == order.key)
                column: ColumnElement[Any] = select(M.value).where(held).correlate(jobs).scalar_subquery()
                nan = select(M.is_nan).where(held).correlate(jobs).scalar_subquery()
                rank = case((column.is_(None), 2), (nan.is_(True), 1), else_=0)
                return [Sort(rank, True, "number"), Sort(column, up, "number")]
            case "param" if not self.mlflow:
                number, column = self._value(params, order.key, "number"), self._value(params, order.key)
                rank = case((number.isnot(None), 0), (column.isnot(None), 1), else_=2)
                return [Sort(rank, True, "number"), Sort(number, up, "number"), Sort(column, up, "text")]
            case "param":
                column = self._value(params, order.key)
            case "tag" if order.key != RUN_NAME:
                column = self._value(tags, order.key)
            case "tag":
                column = self._attribute("display_name")
            case _:
                column = self._attribute(order.key)
                kind = "number" if order.key in _NUMBERS else "text"
        return [Sort(case((column.is_(None), 1), else_=0), True, "number"), Sort(column, up, kind)]

    def _compare(self, column: ColumnElement[Any], clause: Clause) -> ColumnElement[bool]:
        return compare(self.sqlite, column, clause.op, clause.value)

    def _metric(self, clause: Clause) -> ColumnElement[bool]:
        M = metric_latest.c
        held = and_(M.job_id == SOURCE, M.key == clause.key)
        if clause.op in NULL_OPS:
            there = select(literal(1)).where(held).correlate(jobs).exists()
            return there if clause.op is Op.IS_NOT_NULL else not_(there)
        return self._logged(M.value, and_(held, M.is_nan.is_(False)), clause)

    def _logged_text(self, table: Any, clause: Clause) -> ColumnElement[bool]:
        held = and_(table.c.job_id == logger_of(table), table.c.key == clause.key)
        if clause.op in NULL_OPS:
            there = select(literal(1)).where(held).correlate(jobs).exists()
            return there if clause.op is Op.IS_NOT_NULL else not_(there)
        column = table.c.number if isinstance(clause.value, int | float) else table.c.value
        return self._logged(column, held, clause)

    def _logged(self, column: ColumnElement[Any], held: ColumnElement[bool], clause: Clause) -> ColumnElement[bool]:
        """Looked up for each run that is walked over; for a count, which sees them all, databases may gather them."""
        if self.counting:
            return select(literal(1)).where(held, self._compare(column, clause)).correlate(jobs).exists()
        return self._compare(select(column).where(held).correlate(jobs).scalar_subquery(), clause)

    def _value(self, table: Any, key: str, column: str = "value") -> ColumnElement[Any]:
        value: ColumnElement[Any] = (
            select(table.c[column])
            .where(table.c.job_id == logger_of(table), table.c.key == key)
            .correlate(jobs)
            .scalar_subquery()
        )
        return value

    def _parent(self) -> ColumnElement[Any]:
        """The name of the parent: of a job from its row, else what the client said."""
        return func.coalesce(_name_of(J.parent_id), self._value(tags, PARENT))

    def _dataset(self, clause: Clause) -> ColumnElement[bool]:
        D, U = datasets.c, dataset_uses.c
        column = U.tags["mlflow.data.context"].as_string() if clause.key == "context" else D[clause.key]
        query = select(literal(1)).join_from(dataset_uses, datasets, U.dataset_id == D.id)
        return query.where(U.job_id == SOURCE, self._compare(column, clause)).correlate(jobs).exists()

    def _status(self, clause: Clause) -> ColumnElement[bool]:
        if not self.mlflow:
            ours = self.statuses.get(clause.value) if isinstance(clause.value, str) else None
            if ours and clause.op in (Op.EQ, Op.NE):
                return J.status.in_(ours) if clause.op is Op.EQ else J.status.not_in(ours)
            return self._compare(J.status, clause)
        shown = case(
            {ours: theirs for theirs, many in self.statuses.items() for ours in many}, value=J.status, else_="RUNNING"
        )
        return self._compare(shown, clause)

    def _attribute(self, key: str) -> ColumnElement[Any]:
        match key:
            case "run_id":
                return J.name
            case "run_name" | "display_name":
                return func.coalesce(J.display_name, J.name)
            case "user_id":
                return J.created_by
            case "artifact_uri":
                return literal(self.artifact_root, String) + J.name
            case "start_time":
                return STARTED
            case "end_time":
                return J.ended_at
            case "duration_s":
                return (func.coalesce(J.ended_at, self.now) - J.started_at) / type_coerce(1000.0, Float)
            case "experiment_name":
                name: ColumnElement[Any] = (
                    select(experiments.c.name).where(experiments.c.id == J.experiment_id).scalar_subquery()
                )
                return name
            case "parent_job_name":
                return _name_of(J.parent_id)
            case "reused_from":
                return _name_of(J.reused_from)
            case _:
                return J[key]


_NUMBERS = frozenset({"start_time", "end_time", "duration_s", "created_at", "started_at", "ended_at"})


def logger_of(table: Any) -> ColumnElement[int]:
    """Tags are a reused step's own; parameters and metrics are those of the job that really ran."""
    return J.id if table is tags else SOURCE


def _name_of(id_: ColumnElement[Any]) -> ColumnElement[Any]:
    other = jobs.alias()
    name: ColumnElement[Any] = select(other.c.name).where(other.c.id == id_).scalar_subquery()
    return name
