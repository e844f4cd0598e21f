"""The names of metrics, parameters and tags that runs logged, how many runs, and the range of their last values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from sqlalchemy import ColumnElement, Connection, and_, cast, func, select

from zaffre.store.run_key_counts import TABLES
from zaffre.store.tables.base import Json
from zaffre.store.tables.jobs import UNCOUNTED, jobs
from zaffre.store.tables.run_keys import run_keys
from zaffre.store.tables.tracking import INDEXED, metric_latest, params

J, K, M, P = jobs.c, run_keys.c, metric_latest.c, params.c
Kind = Literal["metrics", "params", "tags"]
FEW = 100_000  # values are looked at one by one; of more, only the ends of the index
NUMBERS: Mapping[str, tuple[Any, ColumnElement[Any], ColumnElement[bool]]] = {
    "metrics": (metric_latest, M.value, M.is_nan == False),  # noqa: E712
    "params": (params, P.number, and_(P.number.isnot(None), func.length(P.value) <= INDEXED)),
}


@dataclass(frozen=True)
class RunKey:
    kind: Kind
    key: str
    runs: int
    least: float | None = None
    most: float | None = None


def search(
    connection: Connection,
    sqlite: bool,
    workspace: str,
    *,
    prefix: str = "",
    kind: Kind | None = None,
    experiment_id: int | None = None,
    after: tuple[str, str] | None = None,
    limit: int = 1000,
) -> list[RunKey]:
    """By (key, kind), those behind `after`. Archived runs are not counted, nor do their values widen a range."""
    counts = _counts(connection, sqlite, workspace, prefix, kind, experiment_id)
    page = sorted(item for item in counts if after is None or item > after)[:limit]
    ranges: dict[tuple[str, str], tuple[float | None, float | None]] = {}
    for noun in NUMBERS:
        if keys := {key: counts[key, kind_] for key, kind_ in page if kind_ == noun}:
            found = _ranges(connection, sqlite, noun, keys, _in_scope(workspace, experiment_id))
            ranges.update(((key, noun), ends) for key, *ends in found)
    return [RunKey(noun, key, counts[key, noun], *ranges.get((key, noun), ())) for key, noun in page]  # type: ignore[arg-type]


def _counts(
    connection: Connection, sqlite: bool, workspace: str, prefix: str, kind: Kind | None, experiment_id: int | None
) -> dict[tuple[str, str], int]:
    """What was counted, and the runs that were not yet."""
    # Only the index of those may lead: SQLite would rather look at all runs of the workspace.
    here = (J.workspace.concat("") if sqlite and experiment_id is None else J.workspace) == workspace
    scope = [here] if experiment_id is None else [here, J.experiment_id == experiment_id]
    found: dict[tuple[str, str], int] = {}
    query = select(K.key, K.kind, func.sum(K.runs)).where(K.workspace == workspace, *_begins(K.key, prefix))
    if kind is not None:
        query = query.where(K.kind == kind)
    if experiment_id is not None:
        query = query.where(K.experiment_id == experiment_id)
    query = query.group_by(K.key, K.kind).having(func.sum(K.runs) > 0)
    found.update(((key, noun), int(runs)) for key, noun, runs in connection.execute(query))
    for noun, table in TABLES:
        if kind in (None, noun):
            uncounted = select(J.id).where(UNCOUNTED, *scope)
            live = select(table.c.key, func.count()).where(table.c.job_id.in_(uncounted), *_begins(table.c.key, prefix))
            for key, runs in connection.execute(live.group_by(table.c.key)):
                found[key, noun] = found.get((key, noun), 0) + runs
    return found


def _begins(column: ColumnElement[str], prefix: str) -> list[ColumnElement[bool]]:
    return [func.substr(column, 1, len(prefix)) == prefix] if prefix else []


def _in_scope(workspace: str, experiment_id: int | None) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = [J.workspace == workspace, J.archived.is_(False)]
    return where if experiment_id is None else [*where, J.experiment_id == experiment_id]


def _ranges(
    connection: Connection, sqlite: bool, noun: str, keys: Mapping[str, int], scope: Sequence[ColumnElement[bool]]
) -> list[Any]:
    """(key, least, most). Of few runs all values are read; of many the index is walked from both ends."""
    table, number, there = NUMBERS[noun]
    if max(keys.values()) * len(keys) <= FEW:
        runs = select(J.id).where(*scope)
        query = select(table.c.key, func.min(number), func.max(number)).where(there, table.c.job_id.in_(runs))
        return [row for row in connection.execute(query.group_by(table.c.key)) if row[0] in keys]
    rows = (
        func.json_each(orjson.dumps(list(keys)).decode())
        if sqlite
        else func.jsonb_array_elements_text(cast(list(keys), Json))
    )
    each = rows.table_valued("value")
    ends = []
    for order in (number.asc(), number.desc()):
        walk = select(number).join_from(table, jobs, J.id == table.c.job_id + 0)
        walk = walk.where(table.c.key == each.c.value, there, *scope).order_by(order).limit(1)
        ends.append(walk.correlate(each).scalar_subquery())
    return list(connection.execute(select(each.c.value, *ends)).all())
