"""From where a search for runs is carried out: along an order, or from the few runs that a condition leaves.

Databases choose badly here: they do not know that one key of the metrics is rare, or that a condition leaves nothing.
So the conditions are counted first, up to `ENOUGH`, which an index answers in a few milliseconds; then either the runs
are walked in the wanted order until the page is full, or those that one condition leaves are gathered and sorted.
Whichever way, the rows and their order are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Select, and_, func, select, union, union_all

from zaffre.core.search_filter import NULL_OPS, Clause, Op
from zaffre.store.compare import compare
from zaffre.store.params import number_of
from zaffre.store.run_conditions import PARENT
from zaffre.store.tables.jobs import SOURCE, jobs
from zaffre.store.tables.tracking import INDEXED, metric_latest, params, tags

J, M, P, T = jobs.c, metric_latest.c, params.c, tags.c
ENOUGH = 10_000  # fewer runs are gathered and sorted in less time than a person notices


@dataclass(frozen=True)
class Narrow:
    """A condition by which runs can be found: `rows` are the ids of those that logged it, joined with the jobs by `on`.

    That of experiment or parent has no rows and no clause: `on` is the condition. Without a clause its rows are more
    than fulfil it. `count` counts up to `ENOUGH`.
    """

    count: int
    on: ColumnElement[bool]
    clause: Clause | None = None
    rows: FromClause | None = None


def narrowest(
    connection: Connection,
    sqlite: bool,
    workspace: str,
    clauses: Sequence[Clause],
    where: Sequence[ColumnElement[bool]],
) -> list[Narrow]:
    """Every condition that an index answers, those that leave the fewest runs first.

    `where` are conditions on the jobs themselves (experiment, parent), each with an index of its own.
    """
    found = []
    for condition in where:
        count = _count(connection, select(J.id).where(condition))
        found.append(Narrow(count, condition))
    for clause in clauses:
        query = below(workspace, clause)
        if query is not None:
            rows = query.subquery()
            found.append(Narrow(_count(connection, query), J.id == from_row(rows.c.job_id), None, rows))
        elif (query := rows_of(sqlite, clause)) is not None:
            rows = query.subquery()
            on = (J.id if clause.entity == "tag" else SOURCE) == from_row(rows.c.job_id)
            found.append(Narrow(_count(connection, query), on, clause, rows))
        if found and found[-1].count == 0:
            break  # nothing is left: no other condition matters
    return sorted(found, key=lambda narrow: narrow.count)


def from_row(job_id: ColumnElement[int]) -> ColumnElement[int]:
    """Joined by this, jobs are looked up for the rows, never rows for the jobs: a sum has no index. Nor has it an
    affinity, for which SQLite would not use an index of an expression."""
    return job_id + 0


def _count(connection: Connection, query: Any) -> int:
    return int(connection.execute(select(func.count()).select_from(query.limit(ENOUGH).subquery())).scalar_one())


def below(workspace: str, clause: Clause) -> Any:
    """The ids of the jobs that may be below the named ones: by their rows, and by what clients said. A job whose row
    names another parent is among them: the clause itself remains to be checked."""
    said = clause.entity == "tag" and clause.key == PARENT
    if not (said or (clause.entity == "attribute" and clause.key == "parent_job_name")):
        return None
    if clause.op not in (Op.EQ, Op.IN) or not clause.value:
        return None
    names = clause.value if isinstance(clause.value, tuple) else (str(clause.value),)
    if any(len(name) > 100 for name in names):
        return None  # said by a client perhaps, but not in an index
    parents = jobs.alias()
    named = select(parents.c.id).where(parents.c.workspace == workspace, parents.c.name.in_(names))
    children = select(J.id.label("job_id")).where(J.parent_id.in_(named))
    if not said:
        return children
    short = and_(T.key == PARENT, func.length(T.value) <= INDEXED, T.value.in_(names))
    return union(children, select(T.job_id).where(short))


def rows_of(sqlite: bool, clause: Clause) -> Any:
    """The ids of the jobs that logged what fulfils a condition, from an index; None where none answers it."""
    if clause.op in NULL_OPS:
        return None
    if clause.entity == "metric":
        held = and_(M.key == clause.key, M.is_nan == False, compare(sqlite, M.value, clause.op, clause.value))  # noqa: E712
        return select(M.job_id).where(held)
    if clause.entity == "param":
        if isinstance(clause.value, int | float):
            return _short(params, clause.key, compare(sqlite, P.number, clause.op, clause.value))
        return _texts(params, clause, _with_numbers(clause, compare(sqlite, P.value, clause.op, clause.value)))
    if clause.entity == "tag" and not clause.key.startswith("mlflow."):
        return _texts(tags, clause, compare(sqlite, T.value, clause.op, clause.value))
    return None


def _with_numbers(clause: Clause, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """The number that goes with a text comes before it in the index."""
    if clause.op is not Op.EQ:
        return condition
    number = number_of(str(clause.value))
    return and_(P.number.is_(None) if number is None else P.number == number, condition)


def _short(table: Any, key: str, condition: ColumnElement[bool]) -> Select[Any]:
    return select(table.c.job_id).where(table.c.key == key, func.length(table.c.value) <= INDEXED, condition)


def _texts(table: Any, clause: Clause, condition: ColumnElement[bool]) -> Any:
    """Long values have an index of their own, without the value."""
    if clause.op is Op.EQ and len(str(clause.value)) <= 100:
        return _short(table, clause.key, condition)
    long_ = func.length(table.c.value) > INDEXED
    return union_all(
        _short(table, clause.key, condition), select(table.c.job_id).where(table.c.key == clause.key, long_, condition)
    )
