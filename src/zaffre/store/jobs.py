"""Jobs in the database. `record` is the only writer of a status, with its event in the same transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any

from sqlalchemy import Connection, Update, and_, bindparam, delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.elements import ColumnElement

from zaffre.base.clock import now_ms
from zaffre.base.errors import Conflict, NotFound
from zaffre.base.ids import sequence
from zaffre.core.job_state import LIVING, Status, sources
from zaffre.store.db import Database
from zaffre.store.run_key_counts import uncount
from zaffre.store.tables.jobs import job_events, jobs
from zaffre.store.tables.tracking import tags as tag_table


@dataclass
class JobRecord:
    """One job as remembered; the columns of the table `jobs`."""

    id: int
    workspace: str
    name: str
    type: str
    status: Status
    root_id: int
    experiment_id: int
    spec: dict[str, Any]
    created_at: int
    changed_at: int
    parent_id: int | None = None
    node: str | None = None
    reason: str | None = None
    display_name: str | None = None
    description: str | None = None
    compute: str | None = None
    priority: int = 0
    created_by: str | None = None
    started_at: int | None = None
    ended_at: int | None = None
    archived: bool = False
    plan: dict[str, Any] | None = None
    outputs: dict[str, Any] | None = None
    facts: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    attempt: int = 0
    handle: dict[str, Any] | None = None
    not_before: int | None = None
    cancel: bool = False
    reuse_key: str | None = None
    reuse_parts: dict[str, Any] | None = None
    reused_from: int | None = None
    saved_s: float | None = None
    lease_owner: str | None = None
    lease_until: int | None = None


COLUMNS = tuple(jobs.c[item.name] for item in fields(JobRecord))
_NAMES = tuple(item.name for item in fields(JobRecord))
_LIVING = tuple(status.value for status in LIVING)


@dataclass
class Transition:
    """A job moved from `former` to `status`; `changes` are other columns. The record holds all of it already."""

    job: JobRecord
    former: Status
    status: Status
    reason: str | None = None
    changes: dict[str, Any] = field(default_factory=dict)
    at: int = field(default_factory=now_ms)


@dataclass
class Event:
    id: int
    job_id: int
    at: int
    status: Status
    reason: str | None


class Stale(Exception):
    """Another engine moved a job that this one believed to own: reload it."""


def _record(row: Any) -> JobRecord:
    values = dict(zip(_NAMES, row, strict=True))
    values["status"] = Status(values["status"])
    return JobRecord(**values)


def insert(connection: Connection, records: Sequence[JobRecord], first: Status = Status.QUEUED) -> None:
    """New jobs, each with the event of its first status. Raises `Conflict` for a name that is taken."""
    if not records:
        return
    try:
        connection.execute(jobs.insert(), [{name: getattr(record, name) for name in _NAMES} for record in records])
    except IntegrityError as error:
        names = ", ".join(record.name for record in records[:3])
        raise Conflict(
            f"job {names} exists already", code="JobExists", hint="leave the name out to get a new one"
        ) from error
    events = [
        {"job_id": r.id, "root_id": r.root_id, "at": r.created_at, "status": first.value, "reason": None}
        for r in records
    ]
    _add_events(connection, events)


def name_taken(connection: Connection, workspace: str, name: str) -> bool:
    query = select(jobs.c.id).where(jobs.c.workspace == workspace, jobs.c.name == name)
    return connection.execute(query).first() is not None


def record(connection: Connection, transitions: Sequence[Transition], fresh: frozenset[int] = frozenset()) -> None:
    """Write down what happened, in order. Each is guarded by the status it must come from; progress within a status
    is a transition from it to itself.

    A job may appear several times: only its last status is written, every one gets its event. Jobs in `fresh` were
    inserted in this transaction with their last status already. Raises `Stale` when the database disagrees about
    where a job stood; the transaction must then be given up.
    """
    first: dict[int, Status] = {}
    last: dict[int, Transition] = {}
    changes: dict[int, dict[str, Any]] = {}
    events = []
    for step in transitions:
        job = step.job
        if step.former is not step.status and step.former not in sources(step.status):
            raise Conflict(f"job {job.name} cannot go from {step.former} to {step.status}", code="JobStateConflict")
        first.setdefault(job.id, step.former)
        last[job.id] = step
        changes.setdefault(job.id, {}).update(step.changes)
        events.append(
            {
                "job_id": job.id,
                "root_id": job.root_id,
                "at": step.at,
                "status": step.status.value,
                "reason": step.reason,
            }
        )
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for id_, step in last.items():
        if id_ not in fresh:
            values = {"status": step.status.value, "reason": step.reason, "changed_at": step.at, **changes[id_]}
            row = {f"v_{key}": value for key, value in values.items()} | {"job": id_, "former": first[id_].value}
            groups.setdefault(tuple(values), []).append(row)
    for names, rows in groups.items():
        if connection.execute(_guarded_update(names), rows).rowcount != len(rows):
            raise Stale(f"{len(rows)} jobs were to move")
    _add_events(connection, events)


@cache
def _guarded_update(names: tuple[str, ...]) -> Update:
    """Made once for each set of columns: building a statement takes longer than running it."""
    return (
        update(jobs)
        .where(jobs.c.id == bindparam("job"), jobs.c.status == bindparam("former"))
        .values({jobs.c[name]: bindparam(f"v_{name}") for name in names})
    )


def _add_events(connection: Connection, events: list[dict[str, Any]]) -> None:
    if events:
        first = sequence(len(events))
        for number, event in enumerate(events, first):
            event["id"] = number
        connection.execute(job_events.insert(), events)


def change(connection: Connection, job_id: int, values: Mapping[str, Any]) -> None:
    """Columns that are not the status."""
    assert "status" not in values
    if {"archived", "experiment_id"} & values.keys():
        uncount(connection, [job_id])
    connection.execute(update(jobs).where(jobs.c.id == job_id).values(dict(values)))


def get(connection: Connection, workspace: str, name: str) -> JobRecord:
    """Raises `NotFound`."""
    query = select(*COLUMNS).where(jobs.c.workspace == workspace, jobs.c.name == name)
    row = connection.execute(query).first()
    if row is None:
        raise NotFound(f"job {name} not found in workspace {workspace}", code="JobNotFound", hint="zaffre job list")
    return _record(row)


def by_ids(connection: Connection, ids: Iterable[int]) -> dict[int, JobRecord]:
    found: dict[int, JobRecord] = {}
    wanted = list(ids)
    for start in range(0, len(wanted), 500):
        query = select(*COLUMNS).where(jobs.c.id.in_(wanted[start : start + 500]))
        found |= {record.id: record for record in map(_record, connection.execute(query))}
    return found


def names_of(connection: Connection, ids: Iterable[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    wanted = list(ids)
    for start in range(0, len(wanted), 500):
        query = select(jobs.c.id, jobs.c.name).where(jobs.c.id.in_(wanted[start : start + 500]))
        found |= {row[0]: row[1] for row in connection.execute(query)}
    return found


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


def status_of(connection: Connection, job_id: int) -> Status:
    return Status(connection.execute(select(jobs.c.status).where(jobs.c.id == job_id)).scalar_one())


def status_by_name(connection: Connection, workspace: str, name: str) -> Status | None:
    query = select(jobs.c.status).where(jobs.c.workspace == workspace, jobs.c.name == name)
    found = connection.execute(query).scalar()
    return Status(found) if found else None


def children(connection: Connection, parent_id: int) -> list[JobRecord]:
    query = select(*COLUMNS).where(jobs.c.parent_id == parent_id).order_by(jobs.c.id)
    return [_record(row) for row in connection.execute(query)]


def living_steps(connection: Connection, workspace: str) -> list[JobRecord]:
    """Jobs of a workspace that live and run by themselves (no pipelines, no runs of bare clients), oldest first."""
    c = jobs.c
    where = [c.workspace == workspace, c.status.in_(_LIVING), c.type.not_in(("pipeline", "interactive"))]
    query = select(*COLUMNS).where(*where).order_by(c.id).limit(5000)
    return [_record(row) for row in connection.execute(query)]


def step_states(connection: Connection, parent_id: int) -> Sequence[Any]:
    """Where the jobs right below a parent stand, without their documents."""
    c = jobs.c
    query = select(c.name, c.node, c.type, c.status, c.reason, c.created_at, c.started_at, c.ended_at, c.reused_from,
                   c.saved_s, c.attempt, c.error)  # fmt: skip
    return connection.execute(query.where(c.parent_id == parent_id).order_by(c.id)).all()


def last_event(connection: Connection, root_id: int) -> int | None:
    """The newest event of a tree."""
    query = select(func.max(job_events.c.id)).where(job_events.c.root_id == root_id)
    number: int | None = connection.execute(query).scalar_one()
    return number


def newest_event(connection: Connection) -> int | None:
    number: int | None = connection.execute(select(func.max(job_events.c.id))).scalar_one()
    return number


def root_events_after(connection: Connection, workspace: str, after: int, limit: int = 2000) -> Sequence[Any]:
    """Events of the jobs of a workspace that have no parent."""
    query = select(job_events.c.id, jobs.c.name, job_events.c.status, job_events.c.at)
    query = query.join(jobs, jobs.c.id == job_events.c.job_id)
    query = query.where(job_events.c.id > after, jobs.c.workspace == workspace, jobs.c.parent_id.is_(None))
    return connection.execute(query.order_by(job_events.c.id).limit(limit)).all()


def tree(connection: Connection, root_id: int) -> list[JobRecord]:
    query = select(*COLUMNS).where(jobs.c.root_id == root_id).order_by(jobs.c.id)
    return [_record(row) for row in connection.execute(query)]


def outputs_of_tree(connection: Connection, root_id: int) -> list[tuple[str, dict[str, Any]]]:
    """(name, outputs) of every job below a root that made something, and of the root."""
    query = select(jobs.c.name, jobs.c.outputs).where(jobs.c.root_id == root_id, jobs.c.outputs.isnot(None))
    return [(row[0], row[1]) for row in connection.execute(query.order_by(jobs.c.id))]


def page(
    connection: Connection,
    workspace: str,
    *,
    parent_id: int | None = None,
    archived: bool | None = False,
    status: str | None = None,
    experiment_id: int | None = None,
    tag: tuple[str, str | None] | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[JobRecord]:
    """Newest first; children of a parent oldest first, which is the order in which they became ready."""
    where: list[ColumnElement[bool]] = [jobs.c.workspace == workspace]
    where.append(jobs.c.parent_id == parent_id if parent_id else jobs.c.parent_id.is_(None))
    if archived is not None and not parent_id:
        where.append(jobs.c.archived.is_(archived))
    if status:
        where.append(jobs.c.status == status)
    if experiment_id:
        where.append(jobs.c.experiment_id == experiment_id)
    if tag:
        key, value = tag
        held = and_(tag_table.c.job_id == jobs.c.id, tag_table.c.key == key)
        where.append(
            select(tag_table.c.key).where(held if value is None else and_(held, tag_table.c.value == value)).exists()
        )
    if before:
        where.append(jobs.c.id > before if parent_id else jobs.c.id < before)
    order = jobs.c.id if parent_id else jobs.c.id.desc()
    return [_record(row) for row in connection.execute(select(*COLUMNS).where(*where).order_by(order).limit(limit))]


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


def request_cancel(connection: Connection, root_id: int, ids: Sequence[int]) -> None:
    """Ask for the end of these living jobs; the engine does the rest."""
    for start in range(0, len(ids), 500):
        some = jobs.c.id.in_(ids[start : start + 500])
        connection.execute(
            update(jobs).where(some, jobs.c.root_id == root_id, jobs.c.status.in_(_LIVING)).values(cancel=True)
        )


# --- what the engine asks -------------------------------------------------------------------------------------


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
            job = _record(row)
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
            job = _record(row)
            found[str(job.node)] = job
    return found


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


def tags_of(
    connection: Connection, ids: Sequence[int], keys: Collection[str] | None = None
) -> dict[int, dict[str, str]]:
    """The tags of these jobs: all of them, or some `keys`."""
    found: dict[int, dict[str, str]] = {}
    if keys is not None and not keys:
        return found
    for start in range(0, len(ids), 500):
        query = select(tag_table.c.job_id, tag_table.c.key, tag_table.c.value)
        if keys is not None:
            query = query.where(tag_table.c.key.in_(keys))
        for job, key, value in connection.execute(query.where(tag_table.c.job_id.in_(ids[start : start + 500]))):
            found.setdefault(job, {})[key] = value
    return found


def set_tags(db: Database, connection: Connection, job_id: int, values: Mapping[str, str | None]) -> None:
    """None removes a tag."""
    if values:
        uncount(connection, [job_id])
    for key, value in values.items():
        if value is None:
            connection.execute(delete(tag_table).where(tag_table.c.job_id == job_id, tag_table.c.key == key))
        else:
            statement = db.insert(tag_table).values(job_id=job_id, key=key, value=value)
            statement = statement.on_conflict_do_update(index_elements=["job_id", "key"], set_={"value": value})
            connection.execute(statement)
