"""The search for runs: which ones, in which order, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, false, func, literal, not_, or_, select, true, tuple_

from zaffre.core.search_filter import Clause, Order
from zaffre.store.db import along_index
from zaffre.store.run_conditions import Conditions, Sort
from zaffre.store.run_plan import ENOUGH, Narrow, from_row, narrowest
from zaffre.store.run_stretches import Key, Stretch, stretches
from zaffre.store.runs import COLUMNS, RunRecord
from zaffre.store.tables.jobs import SOURCE, STARTED, jobs

J = jobs.c
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
    keys = dict(_found(connection, build, choice, orders, limit, after))
    records: dict[int, RunRecord] = {}
    wanted = list(keys)
    for start in range(0, len(wanted), 500):
        some = select(*COLUMNS).where(J.id.in_(wanted[start : start + 500]))
        records.update((row[0], RunRecord(*row)) for row in connection.execute(some))
    return [(records[id_], key) for id_, key in keys.items()]


def count(connection: Connection, build: Conditions, choice: Choice) -> int:
    narrow, build.counting = next(iter(_narrowest(connection, build, choice)), None), True
    query, where = _from(build, choice, narrow, func.count())
    return int(connection.execute(query.where(*where)).scalar_one())


def sorts_of(build: Conditions, orders: Sequence[Order]) -> list[Sort]:
    return [sort for order in orders for sort in build.ordering(order)] + list(NEWEST)


def _found(
    connection: Connection, build: Conditions, choice: Choice, orders: Sequence[Order], limit: int, after: Key | None
) -> Iterator[tuple[int, Key]]:
    """The ids of a page and the values by which they were sorted."""
    sorts = sorts_of(build, orders)
    narrow = next((one for one in _narrowest(connection, build, choice) if one.count < ENOUGH), None)
    if narrow is None and orders and (walk := stretches(connection, build, orders[0])):
        rest = sorts[1 + len(walk[0].slots) :]
        with along_index(connection):
            yield from _along(connection, build, choice, walk, orders[0], rest, limit, after)
        return
    query, where = _from(build, choice, narrow, J.id)
    with along_index(connection) if narrow is None and not orders else nullcontext():
        yield from _page(connection, query.where(*where), sorts, limit, after)


def _along(
    connection: Connection,
    build: Conditions,
    choice: Choice,
    walk: Sequence[Stretch],
    order: Order,
    rest: Sequence[Sort],
    limit: int,
    after: Key | None,
) -> Iterator[tuple[int, Key]]:
    """Along the index of what was logged, stretch by stretch, then the runs that do not have it, as far as needed."""
    first = after[0] if after else 0
    if first not in [stretch.rank for stretch in walk]:
        return  # a cursor that nobody was given
    whole = _from(build, choice, None, J.id, walked=True)
    for stretch in walk:
        if stretch.rank < first:
            continue
        behind = stretch.behind(after) if after and stretch.rank == first else None
        if after and stretch.rank == first and behind is None:
            return
        table, query, where = stretch.table, *whole
        if stretch.where:
            query = query.select_from(table.join(jobs, from_row(table.c.job_id) == SOURCE))
            where = [*where, *stretch.where]
        else:
            query, where = _from(build, choice, None, J.id)
            held = select(literal(1)).where(table.c.job_id == SOURCE, table.c.key == order.key)
            where = [*where, not_(held.correlate(jobs).exists())]
        sorts = stretch.sorts
        if behind and sorts:  # where to begin in the index
            where = [*where, sorts[0].column >= behind[0] if order.ascending else sorts[0].column <= behind[0]]
        for id_, key in _page(connection, query.where(*where), [*sorts, *rest], limit, behind, stretch.lead):
            limit -= 1
            yield id_, stretch.key(key)
        if limit <= 0:
            return


def _page(
    connection: Connection,
    query: Select[Any],
    sorts: Sequence[Sort],
    limit: int,
    after: Key | None,
    lead: Sequence[Sort] = (),
) -> Iterator[tuple[int, Key]]:
    if after is not None:
        query = query.where(_behind(sorts, after))
    query = query.add_columns(*(sort.column for sort in sorts))
    by = [*lead, *sorts]
    query = query.order_by(*(sort.column.asc() if sort.ascending else sort.column.desc() for sort in by))
    for id_, *key in connection.execute(query.limit(limit)).all():
        yield id_, tuple(key)


def _narrowest(connection: Connection, build: Conditions, choice: Choice) -> list[Narrow]:
    where: list[ColumnElement[bool]] = []
    if choice.experiment_ids is not None:
        where.append(J.experiment_id.in_(choice.experiment_ids))
    if choice.parent_id:
        where.append(J.parent_id == choice.parent_id)
    return narrowest(connection, build.sqlite, choice.workspace, choice.clauses, where)


def _from(
    build: Conditions, choice: Choice, narrow: Narrow | None, column: ColumnElement[Any], *, walked: bool = False
) -> tuple[Select[Any], list[ColumnElement[bool]]]:
    """The runs of a choice: those of a narrow condition, else along the order of their start.

    With `walked` the order of another table leads. An index that must not lead is hidden: `x + 0`, `x || ''`. From
    PostgreSQL only where conditions make it underrate how many runs are left: else its statistics serve better.
    """
    query = select(column)
    if narrow is None or narrow.rows is None:
        query = query.select_from(jobs)
    else:
        query = query.select_from(narrow.rows.join(jobs, narrow.on))
    one = choice.experiment_ids is not None and len(choice.experiment_ids) == 1
    led = (narrow is not None or walked) and (build.sqlite or bool(choice.clauses))
    hidden = led or (one and build.sqlite)
    one = one or not build.sqlite
    where: list[ColumnElement[bool]] = [(J.workspace.concat("") if hidden else J.workspace) == choice.workspace]
    if choice.experiment_ids is not None:
        where.append((J.experiment_id if one and not led else J.experiment_id + 0).in_(choice.experiment_ids))
    if choice.archived is not None:
        where.append(J.archived.is_(choice.archived))
    if choice.parent_id is not None:
        where.append(J.parent_id + 0 == choice.parent_id if choice.parent_id else J.parent_id.is_(None))
    if narrow is not None and narrow.rows is None:
        where.append(narrow.on)
    clauses = [clause for clause in choice.clauses if narrow is None or clause is not narrow.clause]
    return query, where + [build.condition(clause) for clause in clauses]


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
