"""The counters of `run_keys`, exact at any time: a run is either counted there, or looked at when somebody asks.

A run is counted once it is quiet (`count_quiet`, called now and then). Whoever logs to one that is counted, archives it
or moves it, takes it out first (`uncount`), in the same transaction. On PostgreSQL writers hold a share of the job's
row meanwhile, as the foreign keys of what they insert demand anyway; counting waits for no writer, and skips such runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, and_, bindparam, func, literal, or_, select, update

from zaffre.store.db import Database
from zaffre.store.tables.jobs import UNCOUNTED, jobs
from zaffre.store.tables.run_keys import run_keys
from zaffre.store.tables.tracking import metric_latest, params, tags

J, K = jobs.c, run_keys.c
TABLES = (("metrics", metric_latest), ("params", params), ("tags", tags))
NAMES = ("workspace", "experiment_id", "kind", "key", "runs")
AT_ONCE = 200  # runs of one transaction: others wait no longer than it takes
Counted = tuple[str, int, str, str]  # workspace, experiment, kind, key


def count_quiet(db: Database, connection: Connection, ended_before: int, begun_before: int) -> int:
    """Count runs that ended, or began, before these moments (ms); how many were found, `AT_ONCE` at most."""
    quiet = select(J.id).where(UNCOUNTED, or_(J.ended_at < ended_before, J.created_at < begun_before))
    ids = [id_ for (id_,) in connection.execute(quiet.limit(AT_ONCE).with_for_update(skip_locked=True))]
    if ids:
        _add(db, connection, _keys_of(connection, ids))
        connection.execute(update(jobs).where(J.id.in_(ids)).values(keys_counted=True))
    return len(ids)


def uncount(connection: Connection, ids: Iterable[int]) -> None:
    """Before something is logged to these jobs, or they are archived or moved. Most are not counted yet."""
    counted = select(J.id, J.keys_counted).where(J.id.in_(sorted(ids))).order_by(J.id)
    rows = connection.execute(counted.with_for_update(read=True, key_share=True)).all()
    if some := [id_ for id_, is_counted in rows if is_counted]:
        took = update(jobs).where(J.id.in_(some), J.keys_counted.is_(True)).values(keys_counted=False)
        mine = [id_ for (id_,) in connection.execute(took.returning(J.id))]
        _take(connection, _keys_of(connection, mine))


def _keys_of(connection: Connection, ids: Sequence[int]) -> dict[Counted, int]:
    found: dict[Counted, int] = {}
    for kind, table in TABLES:
        query = (
            select(J.workspace, J.experiment_id, literal(kind), table.c.key, func.count())
            .join_from(table, jobs, table.c.job_id == J.id)
            .where(table.c.job_id.in_(ids))
            .group_by(J.workspace, J.experiment_id, table.c.key)
        )
        found.update(((row[0], row[1], row[2], row[3]), row[4]) for row in connection.execute(query))
    return found


def _add(db: Database, connection: Connection, counts: dict[Counted, int]) -> None:
    statement = db.insert(run_keys)
    statement = statement.on_conflict_do_update(
        index_elements=["workspace", "experiment_id", "kind", "key"], set_={"runs": K.runs + statement.excluded.runs}
    )
    if rows := _rows(counts):
        connection.execute(statement, [dict(zip(NAMES, row, strict=True)) for row in rows])


def _take(connection: Connection, counts: dict[Counted, int]) -> None:
    one = and_(*(K[name] == bindparam(f"b_{name}") for name in NAMES[:4]))
    statement = update(run_keys).where(one).values(runs=K.runs - bindparam("b_runs"))
    if rows := _rows(counts):
        connection.execute(
            statement, [{f"b_{name}": value for name, value in zip(NAMES, row, strict=True)} for row in rows]
        )


def _rows(counts: dict[Counted, int]) -> list[tuple[str, int, str, str, int]]:
    """In one order for all writers: no deadlocks."""
    return [(*item, counts[item]) for item in sorted(counts)]
