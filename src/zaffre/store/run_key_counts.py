"""The counters of `run_keys`, exact at any time: a run is either counted there, or looked at when somebody asks.

A run is counted a while after it began (`count_quiet`, called now and then). Whoever logs a parameter or a tag to one
that is counted, archives it or moves it, takes it out first (`uncount`), in the same transaction; a metric, of which
more come all the time, is added to it (`count_metrics`). On PostgreSQL writers hold a share of the job's row meanwhile,
as the foreign keys of what they insert demand anyway; counting waits for no writer, and skips such runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set

from sqlalchemy import Connection, and_, bindparam, func, literal, or_, select, update

from zaffre.store.at_once import NotNow
from zaffre.store.db import Database
from zaffre.store.prepared import AnyConnection, Prepared
from zaffre.store.tables.jobs import UNCOUNTED, jobs
from zaffre.store.tables.run_keys import run_keys
from zaffre.store.tables.tracking import metric_latest, params, tags

J, K, M = jobs.c, run_keys.c, metric_latest.c
TABLES = (("metrics", metric_latest), ("params", params), ("tags", tags))
NAMES = ("workspace", "experiment_id", "kind", "key", "runs")
AT_ONCE = 50  # runs of one transaction: others wait no longer than it takes
FEW = 50  # keys are looked up one by one
Counted = tuple[str, int, str, str]  # workspace, experiment, kind, key
_THERE = Prepared(lambda _db: select(M.key).where(M.job_id == bindparam("job"), M.key == bindparam("key")))


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


def count_metrics(db: Database, connection: AnyConnection, logged: Mapping[int, Set[str]]) -> None:
    """Before metrics with these keys are logged to jobs that are counted. Raises `NotNow` when one is new."""
    ids = sorted(id_ for id_, keys in logged.items() if keys - _had(db, connection, id_, keys))
    if not ids:
        return
    if not isinstance(connection, Connection):
        raise NotNow
    # Whoever adds a key to one of them at the same moment waits here, and then finds ours.
    query = select(J.id, J.workspace, J.experiment_id).where(J.id.in_(ids), J.keys_counted.is_(True)).order_by(J.id)
    counts: dict[Counted, int] = {}
    for id_, workspace, experiment in connection.execute(query.with_for_update(key_share=True)).all():
        for key in logged[id_] - _had(db, connection, id_, logged[id_]):
            counts[workspace, experiment, "metrics", key] = counts.get((workspace, experiment, "metrics", key), 0) + 1
    _add(db, connection, counts)


def _had(db: Database, connection: AnyConnection, job_id: int, keys: Set[str]) -> set[str]:
    if len(keys) > FEW and isinstance(connection, Connection):
        return {key for (key,) in connection.execute(select(M.key).where(M.job_id == job_id))}
    return {key for key in keys if _THERE.run(db, connection, {"job": job_id, "key": key}).fetchall()}


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
