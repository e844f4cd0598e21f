"""Jobs that live: whose engine they are, who asked for their end, how many there are."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, func, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from zaffre.base.clock import now_ms
from zaffre.core.job_state import LIVING
from zaffre.store.jobs import COLUMNS, JobRecord, record_of
from zaffre.store.tables.jobs import jobs

_LIVING = tuple(status.value for status in LIVING)


def claim_roots(connection: Connection, owner: str, until: int, *, only: int | None = None) -> list[int]:
    """Take the lease of living roots that nobody holds (or that we hold); their ids, oldest first."""
    free = or_(jobs.c.lease_owner.is_(None), jobs.c.lease_owner == owner, jobs.c.lease_until < now_ms())
    where = [jobs.c.parent_id.is_(None), jobs.c.status.in_(_LIVING), jobs.c.type != "interactive", free]
    if only:
        where.append(jobs.c.id == only)
    ids = [row[0] for row in connection.execute(select(jobs.c.id).where(*where).order_by(jobs.c.id))]
    taken = []
    for id_ in ids:
        statement = update(jobs).where(jobs.c.id == id_, free).values(lease_owner=owner, lease_until=until)
        if connection.execute(statement).rowcount:
            taken.append(id_)
    return taken


def renew_leases(connection: Connection, owner: str, until: int) -> None:
    statement = update(jobs).where(jobs.c.lease_owner == owner, jobs.c.status.in_(_LIVING)).values(lease_until=until)
    connection.execute(statement)


def release_leases(connection: Connection) -> None:
    """Forget every lease: the one process that may work on this home has just started."""
    connection.execute(update(jobs).where(jobs.c.lease_owner.isnot(None)).values(lease_owner=None, lease_until=None))


def cancel_requests(connection: Connection, root_id: int | None = None) -> list[tuple[int, int]]:
    """(root, job) of the living jobs somebody asked to end, of one tree or of all."""
    where: list[ColumnElement[bool]] = [jobs.c.cancel.is_(True), jobs.c.status.in_(_LIVING), jobs.c.ended_at.is_(None)]
    if root_id:
        where.append(jobs.c.root_id == root_id)
    rows = connection.execute(select(jobs.c.root_id, jobs.c.id).where(*where).order_by(jobs.c.id))
    return [(row[0], row[1]) for row in rows]


def request_cancel(connection: Connection, root_id: int, ids: Sequence[int]) -> None:
    """Ask for the end of these living jobs; the engine does the rest."""
    for start in range(0, len(ids), 500):
        some = jobs.c.id.in_(ids[start : start + 500])
        connection.execute(
            update(jobs).where(some, jobs.c.root_id == root_id, jobs.c.status.in_(_LIVING)).values(cancel=True)
        )


def living_steps(connection: Connection, workspace: str) -> list[JobRecord]:
    """Jobs of a workspace that live and run by themselves (no pipelines, no runs of bare clients), oldest first."""
    c = jobs.c
    where = [c.workspace == workspace, c.status.in_(_LIVING), c.type.not_in(("pipeline", "interactive"))]
    query = select(*COLUMNS).where(*where).order_by(c.id).limit(5000)
    return [record_of(row) for row in connection.execute(query)]


def count_living(connection: Connection, workspace: str | None = None) -> int:
    where = [jobs.c.status.in_(_LIVING), jobs.c.type != "interactive"]
    if workspace:
        where.append(jobs.c.workspace == workspace)
    return int(connection.execute(select(func.count()).select_from(jobs).where(*where)).scalar_one())


def oldest_living(connection: Connection) -> int | None:
    """When the oldest job that still lives was created (ms since 1970)."""
    query = select(func.min(jobs.c.created_at)).where(jobs.c.status.in_(_LIVING), jobs.c.type != "interactive")
    moment: int | None = connection.execute(query).scalar_one()
    return moment
