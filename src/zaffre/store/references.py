"""What in the database refers to content: the living end of garbage collection."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

import orjson
from sqlalchemy import Connection, select

from zaffre.store.tables.assets import asset_versions
from zaffre.store.tables.endpoints import deployments
from zaffre.store.tables.jobs import jobs

ROOT = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
AT_ONCE = 500  # rows in memory


def roots(connection: Connection) -> set[str]:
    """Every hash that a job, an asset or a deployment names anywhere.

    Not only those behind `content://`: a plan names its code by the bare hash, a data asset by reference its list of
    files by its fingerprint. What only looks like the hash of a tree keeps nothing alive.
    """
    return {root for _, named in _named(connection) for root in named}


def users_of(connection: Connection, wanted: Collection[str]) -> list[str]:
    """What names one of these hashes, in words (`job x`, `data y:1`, `deployment e/blue`)."""
    return [user for user, named in _named(connection) if not named.isdisjoint(wanted)]


def _named(connection: Connection) -> Iterator[tuple[str, set[str]]]:
    """Each job, asset and deployment with the hashes that it names."""
    columns = (jobs.c.name, jobs.c.spec, jobs.c.plan, jobs.c.outputs)
    for name, *documents in connection.execute(select(*columns).order_by(jobs.c.id)).yield_per(AT_ONCE):
        yield f"job {name}", set(ROOT.findall(orjson.dumps(documents).decode()))
    V = asset_versions.c
    rows = connection.execute(select(V.kind, V.name, V.version, V.spec, V.uri, V.fingerprint).order_by(V.id))
    for kind, name, version, *documents in rows.yield_per(AT_ONCE):
        yield f"{kind} {name}:{version}", set(ROOT.findall(orjson.dumps(documents).decode()))
    D = deployments.c
    for endpoint, name, *documents in connection.execute(select(D.endpoint, D.name, D.spec, D.plan)).yield_per(AT_ONCE):
        yield f"deployment {endpoint}/{name}", set(ROOT.findall(orjson.dumps(documents).decode()))


def states(connection: Connection) -> dict[tuple[str, str], tuple[str, int | None]]:
    """(workspace, name) -> (status, end) of every job."""
    rows = connection.execute(select(jobs.c.workspace, jobs.c.name, jobs.c.status, jobs.c.ended_at))
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}
