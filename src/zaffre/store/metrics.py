"""Metrics in the database: chunks of points that are only ever added, and one row with the latest value of each key.

Both are written in one transaction. A point that comes again (a client repeats a request whose answer was lost) is
stored twice and read once: a series is a set of points, as MLflow defines it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection, case, delete, func, select, tuple_

from zaffre.base.ids import sequence
from zaffre.store import metric_form
from zaffre.store.db import Database
from zaffre.store.metric_form import fold, pack, records
from zaffre.store.prepared import AnyConnection, Prepared
from zaffre.store.tables.tracking import metric_chunks, metric_latest

if TYPE_CHECKING:
    from zaffre.store.metric_form import Column

C = metric_chunks.c
L = metric_latest.c
CHUNK_POINTS = 65_536  # of a compacted chunk: about 1 MB before compression


class Point(NamedTuple):
    """One value of a metric; `timestamp` in milliseconds since 1970."""

    key: str
    value: float
    timestamp: int
    step: int


class Latest(NamedTuple):
    """The last value of a key: the greatest (step, timestamp, value). `points` is how many were sent."""

    key: str
    value: float
    timestamp: int
    step: int
    points: int


def append(db: Database, connection: AnyConnection, batches: Iterable[tuple[int, Sequence[Point]]]) -> None:
    """Add points to jobs, given as (job id, points), in any order."""
    series: dict[tuple[int, str], list[tuple[int, int, float]]] = {}
    for job, points in batches:
        for key, value, timestamp, step in points:
            series.setdefault((job, key), []).append((step, timestamp, value))
    if not series:
        return
    first = sequence(len(series))
    chunks, latest = [], []
    for number, (job, key) in enumerate(sorted(series), first):  # one order for all writers: no deadlocks
        packed = series[job, key]
        chunks.append({"id": number, "job_id": job, "key": key, "count": len(packed), "points": pack(packed)})
        step, timestamp, value = max(packed, key=_order) if len(packed) > 1 else packed[0]
        latest.append({"job_id": job, "key": key, "step": step, "timestamp": timestamp, "points": len(packed),
                       "value": _stored(value), "is_nan": math.isnan(value)})  # fmt: skip
    _INSERT.run(db, connection, chunks)
    _UPSERT.run(db, connection, latest)


def _stored(value: float) -> float:
    return 0.0 if math.isnan(value) else value


def _order(point: tuple[int, int, float]) -> tuple[int, int, float]:
    step, timestamp, value = point
    return step, timestamp, _stored(value)


def _upsert(db: Database) -> Any:
    statement = db.insert(metric_latest)
    new = statement.excluded
    newer = tuple_(new.step, new.timestamp, new.value) >= tuple_(L.step, L.timestamp, L.value)
    taken = {name: case((newer, new[name]), else_=L[name]) for name in ("value", "is_nan", "step", "timestamp")}
    return statement.on_conflict_do_update(
        index_elements=["job_id", "key"], set_={**taken, "points": L.points + new.points}
    )


_INSERT = Prepared(lambda _db: metric_chunks.insert())
_UPSERT = Prepared(_upsert)


def latest(connection: Connection, ids: Sequence[int]) -> dict[int, list[Latest]]:
    """The latest value of every key of these jobs."""
    found: dict[int, list[Latest]] = {}
    for start in range(0, len(ids), 500):
        query = select(L.job_id, L.key, L.value, L.is_nan, L.timestamp, L.step, L.points)
        rows = connection.execute(query.where(L.job_id.in_(ids[start : start + 500])).order_by(L.job_id, L.key))
        for job, key, value, is_nan, timestamp, step, points in rows:
            found.setdefault(job, []).append(Latest(key, math.nan if is_nan else value, timestamp, step, points))
    return found


def last_values(
    connection: Connection, ids: Sequence[int], keys: Collection[str] | None = None
) -> dict[int, dict[str, float]]:
    """The last value of every key of these jobs, or of some `keys`."""
    found: dict[int, dict[str, float]] = {}
    if keys is not None and not keys:
        return found
    for start in range(0, len(ids), 500):
        query = select(L.job_id, L.key, L.value, L.is_nan).where(L.job_id.in_(ids[start : start + 500]))
        if keys is not None:
            query = query.where(L.key.in_(keys))
        for job, key, value, is_nan in connection.execute(query.order_by(L.job_id, L.key)):
            found.setdefault(job, {})[key] = math.nan if is_nan else value
    return found


def history(connection: Connection, job_id: int, key: str) -> list[tuple[int, int, float]]:
    """Every point of a series once, as (timestamp, step, value), in that order; NaN before other values."""
    return _by_time(*columns(connection, job_id, key))


def histories(connection: Connection, ids: Sequence[int], key: str) -> dict[int, list[tuple[int, int, float]]]:
    """One key of several jobs."""
    chunks: dict[int, list[bytes]] = {}
    for start in range(0, len(ids), 500):
        query = select(C.job_id, C.points).where(C.job_id.in_(ids[start : start + 500]), C.key == key)
        for job, chunk in connection.execute(query.order_by(C.id)):
            chunks.setdefault(job, []).append(chunk)
    return {job: _by_time(*_distinct(*metric_form.columns(found))) for job, found in chunks.items()}


def _by_time(steps: Column, times: Column, values: Column) -> list[tuple[int, int, float]]:
    import numpy as np

    if (times[1:] < times[:-1]).any():  # they come by step, time and value
        order = np.lexsort((np.where(np.isnan(values), -np.inf, values), steps, times))
        steps, times, values = steps[order], times[order], values[order]
    return list(zip(times.tolist(), steps.tolist(), values.tolist(), strict=True))


def columns(connection: Connection, job_id: int, key: str) -> tuple[Column, Column, Column]:
    """Every point of a series once, as arrays of steps, timestamps and values, by step, timestamp and value."""
    query = select(C.points).where(C.job_id == job_id, C.key == key).order_by(C.id)
    return _distinct(*metric_form.columns(chunk for (chunk,) in connection.execute(query)))


def _distinct(steps: Column, times: Column, values: Column) -> tuple[Column, Column, Column]:
    """In order, each point once."""
    import numpy as np

    rising = (steps[1:] > steps[:-1]) | ((steps[1:] == steps[:-1]) & (times[1:] > times[:-1]))
    if rising.all():  # as nearly always; then nothing is there twice
        return steps, times, values
    bits = values.view(np.int64)
    rank = np.where(np.isnan(values), -np.inf, values)
    order = np.lexsort((bits, rank, times, steps))
    steps, times, values, bits = steps[order], times[order], values[order], bits[order]
    new = (steps[1:] != steps[:-1]) | (times[1:] != times[:-1]) | (bits[1:] != bits[:-1])
    kept = np.concatenate([[True], new])
    return steps[kept], times[kept], values[kept]


def counts(connection: Connection, ids: Sequence[int], names: Sequence[str]) -> dict[tuple[int, str], int]:
    """(job id, key) -> how many points were sent, of those that exist."""
    found: dict[tuple[int, str], int] = {}
    for start in range(0, len(ids), 500):
        for first in range(0, len(names), 500):
            query = select(L.job_id, L.key, L.points).where(
                L.job_id.in_(ids[start : start + 500]), L.key.in_(names[first : first + 500])
            )
            found.update({(job, key): points for job, key, points in connection.execute(query)})
    return found


def fragmented(
    connection: Connection, least_chunks: int = 64, limit: int = 1000, *, after: int = 0
) -> list[tuple[int, str]]:
    """Series of at least so many chunks, as (job id, key): those that `compact` makes smaller.

    `after` is a number of `ids.sequence`: only jobs that have logged since then are looked at.
    """
    query = select(C.job_id, C.key).group_by(C.job_id, C.key).having(_loose() >= least_chunks).limit(limit)
    if after:
        query = query.where(C.job_id.in_(select(C.job_id).where(C.id > after).distinct()))
    return [(job, key) for job, key in connection.execute(query)]


def _loose() -> Any:
    return func.sum(case((C.count < CHUNK_POINTS, 1), else_=0))


def compact(connection: Connection, job_id: int, key: str, most: int = 4096) -> int:
    """Put the oldest small chunks of a series together, at most so many at once; how many chunks there are less.

    Safe beside writers, who only add: exactly the chunks that were read are replaced, in one transaction.
    """
    query = select(C.id, C.points).where(C.job_id == job_id, C.key == key, C.count < CHUNK_POINTS)
    rows = connection.execute(query.order_by(C.id).limit(most).with_for_update()).all()
    if len(rows) < 2:
        return 0
    distinct = list(dict.fromkeys(record for _, chunk in rows for record in records(chunk)))
    made = []
    for start in range(0, len(distinct), CHUNK_POINTS):
        part = distinct[start : start + CHUNK_POINTS]
        made.append({"job_id": job_id, "key": key, "count": len(part), "points": fold(b"".join(part))})
    # They take the places of the first chunks they replace: the order of a series stays what it was.
    for row, place in zip(made, rows, strict=False):
        row["id"] = place[0]
    ids = [row[0] for row in rows]
    for start in range(0, len(ids), 500):
        connection.execute(delete(metric_chunks).where(C.id.in_(ids[start : start + 500])))
    connection.execute(metric_chunks.insert(), made)
    return len(rows) - len(made)


def keys(connection: Connection, ids: Sequence[int]) -> list[str]:
    """The metric keys of these jobs."""
    found: set[str] = set()
    for start in range(0, len(ids), 500):
        query = select(L.key).where(L.job_id.in_(ids[start : start + 500])).distinct()
        found.update(key for (key,) in connection.execute(query))
    return sorted(found)
