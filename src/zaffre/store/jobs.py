"""Jobs in the database. `record` is the only writer of a status, with its event in the same transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any

from sqlalchemy import Connection, Update, bindparam, select, update
from sqlalchemy.exc import IntegrityError

from zaffre.base.clock import now_ms
from zaffre.base.errors import Conflict, NotFound
from zaffre.base.ids import sequence
from zaffre.core.job_state import Status, sources
from zaffre.store.run_key_counts import uncount
from zaffre.store.tables.jobs import job_events, jobs


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


@dataclass
class Transition:
    """A job moved from `former` to `status`; `changes` are other columns. The record holds all of it already."""

    job: JobRecord
    former: Status
    status: Status
    reason: str | None = None
    changes: dict[str, Any] = field(default_factory=dict)
    at: int = field(default_factory=now_ms)


class Stale(Exception):
    """Another engine moved a job that this one believed to own: reload it."""


def record_of(row: Any) -> JobRecord:
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
    return record_of(row)


def by_ids(connection: Connection, ids: Iterable[int]) -> dict[int, JobRecord]:
    found: dict[int, JobRecord] = {}
    wanted = list(ids)
    for start in range(0, len(wanted), 500):
        query = select(*COLUMNS).where(jobs.c.id.in_(wanted[start : start + 500]))
        found |= {record.id: record for record in map(record_of, connection.execute(query))}
    return found


def real_ones(connection: Connection, ids: Iterable[int]) -> dict[int, int]:
    """The job whose result each has: itself, or the one that it reused."""
    found: dict[int, int] = {}
    wanted = list(ids)
    for start in range(0, len(wanted), 500):
        query = select(jobs.c.id, jobs.c.reused_from).where(jobs.c.id.in_(wanted[start : start + 500]))
        found |= {row[0]: row[1] or row[0] for row in connection.execute(query)}
    return found


def names_of(connection: Connection, ids: Iterable[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    wanted = list(ids)
    for start in range(0, len(wanted), 500):
        query = select(jobs.c.id, jobs.c.name).where(jobs.c.id.in_(wanted[start : start + 500]))
        found |= {row[0]: row[1] for row in connection.execute(query)}
    return found


def status_of(connection: Connection, job_id: int) -> Status:
    return Status(connection.execute(select(jobs.c.status).where(jobs.c.id == job_id)).scalar_one())


def status_by_name(connection: Connection, workspace: str, name: str) -> Status | None:
    query = select(jobs.c.status).where(jobs.c.workspace == workspace, jobs.c.name == name)
    found = connection.execute(query).scalar()
    return Status(found) if found else None


def children(connection: Connection, parent_id: int) -> list[JobRecord]:
    query = select(*COLUMNS).where(jobs.c.parent_id == parent_id).order_by(jobs.c.id)
    return [record_of(row) for row in connection.execute(query)]


def tree(connection: Connection, root_id: int) -> list[JobRecord]:
    query = select(*COLUMNS).where(jobs.c.root_id == root_id).order_by(jobs.c.id)
    return [record_of(row) for row in connection.execute(query)]


def outputs_of_tree(connection: Connection, root_id: int) -> list[tuple[str, dict[str, Any]]]:
    """(name, outputs) of every job below a root that made something, and of the root."""
    query = select(jobs.c.name, jobs.c.outputs).where(jobs.c.root_id == root_id, jobs.c.outputs.isnot(None))
    return [(row[0], row[1]) for row in connection.execute(query.order_by(jobs.c.id))]
