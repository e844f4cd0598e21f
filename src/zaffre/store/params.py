"""Parameters of runs in the database: written once, never changed."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, select

from zaffre.base.errors import InvalidRequest
from zaffre.store.db import Database
from zaffre.store.prepared import Prepared
from zaffre.store.run_key_counts import uncount
from zaffre.store.tables.tracking import params

P = params.c
_INSERT = Prepared(lambda db: db.insert(params).on_conflict_do_nothing(index_elements=["job_id", "key"]))


def add(db: Database, connection: Connection, job_id: int, run: str, values: Mapping[str, str]) -> None:
    """The same value again is no change. Raises `InvalidRequest` naming a parameter that has another value."""
    if not values:
        return
    uncount(connection, [job_id])
    rows = [
        {"job_id": job_id, "key": key, "value": values[key], "number": number_of(values[key])} for key in sorted(values)
    ]
    if _INSERT.run(db, connection, rows).rowcount == len(rows):
        return  # all of them are new
    stored = dict(connection.execute(select(P.key, P.value).where(P.job_id == job_id, P.key.in_(list(values)))).all())
    for key, value in values.items():
        if stored[key] != value:
            raise InvalidRequest(
                f"Changing param values is not allowed. Param with key='{key}' was already logged with "
                f"value='{stored[key]}' for run ID='{run}'. Attempted logging new value '{value}'.",
                code="ParamChanged",
                hint="log another key, or start a nested run for each set of parameters",
            )


def number_of(value: str) -> float | None:
    """The number that a parameter is, when it is a finite one."""
    try:
        number = float(value) if len(value) < 40 and "_" not in value else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def of(connection: Connection, ids: Sequence[int], keys: Collection[str] | None = None) -> dict[int, dict[str, str]]:
    """The parameters of these jobs: all of them, or some `keys`."""
    found: dict[int, dict[str, str]] = {}
    if keys is not None and not keys:
        return found
    for start in range(0, len(ids), 500):
        query = select(P.job_id, P.key, P.value).where(P.job_id.in_(ids[start : start + 500]))
        if keys is not None:
            query = query.where(P.key.in_(keys))
        for job, key, value in connection.execute(query.order_by(P.job_id, P.key)):
            found.setdefault(job, {})[key] = value
    return found
