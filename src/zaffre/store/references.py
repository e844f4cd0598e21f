"""What in the database refers to content: the living end of garbage collection."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson
from sqlalchemy import Connection, String, cast, or_, select

from zaffre.store.tables.assets import asset_versions
from zaffre.store.tables.jobs import jobs

CONTENT = re.compile(r"content://[0-9a-f]{64}")


def content_uris(connection: Connection) -> Iterator[str]:
    """Every content:// address in a document, a plan, an output or an asset."""
    for column in (jobs.c.spec, jobs.c.plan, jobs.c.outputs, asset_versions.c.spec, asset_versions.c.uri):
        for row in connection.execute(select(column).where(column.isnot(None))).yield_per(500):
            text = row[0] if isinstance(row[0], str) else orjson.dumps(row[0]).decode()
            yield from CONTENT.findall(text)


def code_roots(connection: Connection) -> set[str]:
    """Roots of the code of jobs; a plan names them without an address."""
    roots: set[str] = set()
    for row in connection.execute(select(jobs.c.plan).where(jobs.c.plan.isnot(None))).yield_per(500):
        stack: list[Any] = [row[0]]
        while stack:
            plan = stack.pop()
            if plan.get("code"):
                roots.add(plan["code"])
            stack += (plan.get("nodes") or {}).values()
    return roots


def users_of(connection: Connection, hash_: str) -> list[str]:
    """Jobs and assets that name this content."""
    wanted = f"%{hash_}%"
    users = [
        f"job {row[0]}"
        for row in connection.execute(
            select(jobs.c.name)
            .where(or_(cast(jobs.c.plan, String).like(wanted), cast(jobs.c.spec, String).like(wanted)))
            .limit(20)
        )
    ]
    assets = select(asset_versions.c.kind, asset_versions.c.name, asset_versions.c.version)
    users += [
        f"{row[0]} {row[1]}:{row[2]}"
        for row in connection.execute(
            assets.where(
                or_(asset_versions.c.uri.like(wanted), cast(asset_versions.c.spec, String).like(wanted))
            ).limit(20)
        )
    ]
    return users


def states(connection: Connection) -> dict[tuple[str, str], tuple[str, int | None]]:
    """(workspace, name) -> (status, end) of every job."""
    rows = connection.execute(select(jobs.c.workspace, jobs.c.name, jobs.c.status, jobs.c.ended_at))
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}
