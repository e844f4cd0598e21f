"""The names of metrics, parameters and tags that runs logged, how many runs, and the range of their last values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, Float, Select, case, cast, func, literal, null, select, tuple_, union_all

from zaffre.store.tables.jobs import jobs
from zaffre.store.tables.tracking import metric_latest, params, tags

J, M, P = jobs.c, metric_latest.c, params.c
Kind = Literal["metrics", "params", "tags"]


@dataclass(frozen=True)
class RunKey:
    kind: Kind
    key: str
    runs: int
    least: float | None
    most: float | None


def search(
    connection: Connection,
    workspace: str,
    *,
    prefix: str = "",
    kind: Kind | None = None,
    experiment_id: int | None = None,
    after: tuple[str, str] | None = None,
    limit: int = 1000,
) -> list[RunKey]:
    """By (key, kind), those behind `after`."""
    parts = []
    for noun, table, number in (
        ("metrics", metric_latest, case((M.is_nan, None), else_=M.value)),
        ("params", params, P.number),
        ("tags", tags, cast(null(), Float)),
    ):
        if kind not in (None, noun):
            continue
        query: Select[tuple[str, str, int, float, float]] = (
            select(literal(noun).label("kind"), table.c.key, func.count(), func.min(number), func.max(number))
            .join_from(table, jobs, table.c.job_id == J.id)
            .where(J.workspace == workspace, J.archived.is_(False))
            .group_by(table.c.key)
        )
        if prefix:
            query = query.where(func.substr(table.c.key, 1, len(prefix)) == prefix)
        if experiment_id is not None:
            query = query.where(J.experiment_id == experiment_id)
        parts.append(query)
    every = union_all(*parts).subquery()
    found = select(every)
    if after is not None:
        found = found.where(tuple_(every.c.key, every.c.kind) > tuple_(*after))
    return [RunKey(*row) for row in connection.execute(found.order_by(every.c.key, every.c.kind).limit(limit))]
