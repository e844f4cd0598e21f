"""What happened to jobs, as those who watch ask for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from zaffre.core.job_state import Status
from zaffre.store.tables.jobs import job_events, jobs


@dataclass
class Event:
    id: int
    job_id: int
    at: int
    status: Status
    reason: str | None


def events_after(
    connection: Connection, ids: Sequence[int] | None, root_id: int, after: int, limit: int = 5000
) -> list[Event]:
    """Events of a tree, or only of some of its jobs, in the order in which they were written."""
    where = [job_events.c.root_id == root_id, job_events.c.id > after]
    if ids is not None:
        where.append(job_events.c.job_id.in_(ids))
    query = select(job_events.c.id, job_events.c.job_id, job_events.c.at, job_events.c.status, job_events.c.reason)
    rows = connection.execute(query.where(*where).order_by(job_events.c.id).limit(limit))
    return [Event(row[0], row[1], row[2], Status(row[3]), row[4]) for row in rows]


def root_events_after(connection: Connection, workspace: str, after: int, limit: int = 2000) -> Sequence[Any]:
    """Events of the jobs of a workspace that have no parent."""
    query = select(job_events.c.id, jobs.c.name, job_events.c.status, job_events.c.at)
    query = query.join(jobs, jobs.c.id == job_events.c.job_id)
    query = query.where(job_events.c.id > after, jobs.c.workspace == workspace, jobs.c.parent_id.is_(None))
    return connection.execute(query.order_by(job_events.c.id).limit(limit)).all()


def last_event(connection: Connection, root_id: int) -> int | None:
    """The newest event of a tree."""
    query = select(func.max(job_events.c.id)).where(job_events.c.root_id == root_id)
    number: int | None = connection.execute(query).scalar_one()
    return number


def newest_event(connection: Connection) -> int | None:
    number: int | None = connection.execute(select(func.max(job_events.c.id))).scalar_one()
    return number


def places_of(connection: Connection, ids: Iterable[int]) -> list[tuple[int, str, str | None, int | None]]:
    """(id, name, node, parent) of each, parents first."""
    wanted = sorted(ids)
    found = []
    for start in range(0, len(wanted), 500):
        query = select(jobs.c.id, jobs.c.name, jobs.c.node, jobs.c.parent_id)
        rows = connection.execute(query.where(jobs.c.id.in_(wanted[start : start + 500])).order_by(jobs.c.id))
        found += [(row[0], row[1], row[2], row[3]) for row in rows]
    return found


def ends_of(connection: Connection, ids: Iterable[int]) -> dict[int, tuple[str, str | None, float | None]]:
    """Type of each job, the name of the job whose result it is, and what that saved (s)."""
    wanted, found = sorted(ids), {}
    former = jobs.alias()
    for start in range(0, len(wanted), 500):
        query = select(jobs.c.id, jobs.c.type, former.c.name, jobs.c.saved_s)
        query = query.select_from(jobs.outerjoin(former, former.c.id == jobs.c.reused_from))
        for row in connection.execute(query.where(jobs.c.id.in_(wanted[start : start + 500]))):
            found[row[0]] = (row[1], row[2], row[3])
    return found
