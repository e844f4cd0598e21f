"""Jobs whose results may be used again."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, func, select

from zaffre.core.job_state import Status
from zaffre.store.jobs import COLUMNS, JobRecord, record_of
from zaffre.store.tables.jobs import jobs


def reusable(connection: Connection, workspace: str, keys: Iterable[str]) -> dict[str, JobRecord]:
    """The newest completed job of each reuse key that ran itself."""
    found: dict[str, JobRecord] = {}
    wanted = list(dict.fromkeys(keys))
    for start in range(0, len(wanted), 500):
        query = select(*COLUMNS).where(
            jobs.c.workspace == workspace,
            jobs.c.reuse_key.in_(wanted[start : start + 500]),
            jobs.c.status == Status.COMPLETED.value,
            jobs.c.reused_from.is_(None),
        )
        for row in connection.execute(query.order_by(jobs.c.id)):
            job = record_of(row)
            found[str(job.reuse_key)] = job
    return found


def former_steps(
    connection: Connection, workspace: str, nodes: Iterable[str], before: int | None = None
) -> dict[str, JobRecord]:
    """For each node name the newest step of that name that ran and has a reuse key: what a plan compares with."""
    found: dict[str, JobRecord] = {}
    wanted = list(dict.fromkeys(nodes))
    for start in range(0, len(wanted), 500):
        newest = (
            select(func.max(jobs.c.id))
            .where(
                jobs.c.workspace == workspace,
                jobs.c.node.in_(wanted[start : start + 500]),
                jobs.c.reuse_key.isnot(None),
                jobs.c.status == Status.COMPLETED.value,
                *([jobs.c.id < before] if before else []),
            )
            .group_by(jobs.c.node)
        )
        for row in connection.execute(select(*COLUMNS).where(jobs.c.id.in_(newest))):
            job = record_of(row)
            found[str(job.node)] = job
    return found
