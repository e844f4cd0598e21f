"""The search for runs: which ones, in which order, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, false, func, or_, select, true, tuple_

from zaffre.core.search_filter import Clause, Order
from zaffre.store.run_conditions import Conditions, Sort
from zaffre.store.runs import COLUMNS, STARTED, RunRecord
from zaffre.store.tables.jobs import jobs

J = jobs.c
Key = tuple[Any, ...]  # the values by which a run was sorted: where a page ends and the next one begins
NEWEST = (Sort(STARTED, False, "number"), Sort(J.id, False, "number"))


@dataclass(frozen=True)
class Choice:
    """Which runs. `experiment_ids` None: of all experiments; `archived` None: both kinds; `parent_id` 0: of the top."""

    workspace: str
    experiment_ids: Sequence[int] | None = None
    clauses: Sequence[Clause] = ()
    archived: bool | None = False
    parent_id: int | None = None


def search(
    connection: Connection,
    build: Conditions,
    choice: Choice,
    orders: Sequence[Order] = (),
    *,
    limit: int,
    after: Key | None = None,
) -> list[tuple[RunRecord, Key]]:
    """Runs, newest first unless ordered otherwise; those behind `after`. Ties are broken alike on every page."""
    sorts = sorts_of(build, orders)
    where = _chosen(build, choice)
    if after is not None:
        where.append(_behind(sorts, after))
    query = select(*COLUMNS, *(sort.column for sort in sorts)).where(*where)
    query = query.order_by(*(sort.column.asc() if sort.ascending else sort.column.desc() for sort in sorts))
    rows = connection.execute(query.limit(limit))
    width = len(COLUMNS)
    return [(RunRecord(*row[:width]), tuple(row[width:])) for row in rows]


def count(connection: Connection, build: Conditions, choice: Choice) -> int:
    query = select(func.count()).select_from(jobs).where(*_chosen(build, choice))
    return int(connection.execute(query).scalar_one())


def sorts_of(build: Conditions, orders: Sequence[Order]) -> list[Sort]:
    return [sort for order in orders for sort in build.ordering(order)] + list(NEWEST)


def _chosen(build: Conditions, choice: Choice) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = [J.workspace == choice.workspace]
    if choice.experiment_ids is not None:
        where.append(J.experiment_id.in_(choice.experiment_ids))
    if choice.archived is not None:
        where.append(J.archived.is_(choice.archived))
    if choice.parent_id is not None:
        where.append(J.parent_id == choice.parent_id if choice.parent_id else J.parent_id.is_(None))
    return where + [build.condition(clause) for clause in choice.clauses]


def _behind(sorts: Sequence[Sort], after: Key) -> ColumnElement[bool]:
    """Rows that sort behind these values. A value that is None ties with every row that reached its turn: the rank
    before it says that they have none either."""
    if len(sorts) == len(NEWEST):
        return tuple_(*(sort.column for sort in sorts)) < tuple_(*after)
    found: ColumnElement[bool] = false()
    for sort, value in reversed(list(zip(sorts, after, strict=True))):
        later = false() if value is None else sort.column > value if sort.ascending else sort.column < value
        same = true() if value is None else sort.column == value
        found = or_(later, and_(same, found))
    return found
