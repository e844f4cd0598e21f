"""Runs in the database: jobs in the eyes of MLflow. Only those that a bare client made are written here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from zaffre.base.clock import now_ms
from zaffre.base.errors import InvalidRequest, NotFound
from zaffre.base.ids import sequence
from zaffre.core.job_state import LIVING, Status
from zaffre.store import job_tags
from zaffre.store import jobs as job_store
from zaffre.store.db import Database
from zaffre.store.prepared import AnyConnection, Prepared
from zaffre.store.run_key_counts import count_metrics
from zaffre.store.tables.jobs import SOURCE, STARTED, job_events, jobs

INTERACTIVE = "interactive"
J = jobs.c


@dataclass(frozen=True)
class RunRecord:
    """The columns of `jobs` that a run shows; the large ones (spec, plan) stay where they are."""

    id: int
    workspace: str
    name: str
    type: str
    status: str
    experiment_id: int
    display_name: str | None
    node: str | None
    created_by: str | None
    created_at: int
    started_at: int | None
    ended_at: int | None
    archived: bool
    parent_id: int | None
    root_id: int
    reused_from: int | None
    compute: str | None

    @property
    def source_id(self) -> int:
        """The job that really ran, and logged: of a reused step the one whose result it is."""
        return self.reused_from or self.id


COLUMNS = tuple(J[item.name] for item in fields(RunRecord))


def create(
    db: Database,
    connection: Connection,
    workspace: str,
    name: str,
    *,
    experiment_id: int,
    display_name: str,
    user: str,
    started_at: int,
    parent_id: int | None,
    tags: Mapping[str, str],
) -> None:
    """A run that no job carries: an interactive job, running from now on."""
    now, id_ = now_ms(), sequence()
    record = job_store.JobRecord(
        id=id_, workspace=workspace, name=name, type=INTERACTIVE, status=Status.RUNNING, root_id=id_,
        experiment_id=experiment_id, spec={"type": INTERACTIVE}, created_at=now, changed_at=now, parent_id=parent_id,
        display_name=display_name, created_by=user, started_at=started_at,
    )  # fmt: skip
    job_store.insert(connection, [record], Status.RUNNING)
    job_tags.set_tags(db, connection, id_, tags)


def get(connection: Connection, workspace: str, name: str) -> RunRecord:
    """Raises `NotFound`."""
    row = connection.execute(select(*COLUMNS).where(J.workspace == workspace, J.name == name)).first()
    if row is None:
        raise unknown(name)
    return RunRecord(*row)


def unknown(name: str) -> NotFound:
    return NotFound(f"Run with id={name} not found", code="RunNotFound", hint="zaffre run list")


def active(connection: Connection, workspace: str, name: str) -> RunRecord:
    """A run that may be written to. Raises `NotFound`, or `InvalidRequest` when it is deleted."""
    run = get(connection, workspace, name)
    if run.archived:
        raise deleted(name)
    return run


def loggable(connection: Connection, workspace: str, name: str) -> RunRecord:
    """A run that may log more. Raises as `active`, and for a reused step, which shows what another run logged."""
    run = active(connection, workspace, name)
    if run.reused_from:
        raise reused(name)
    return run


def reused(name: str) -> InvalidRequest:
    return InvalidRequest(
        f"The run {name} is a reused step: what it shows was logged by the run that it reuses, and stays as it is.",
        code="RunReused",
        hint="log to a run of your own: mlflow.start_run()",
    )


def deleted(name: str) -> InvalidRequest:
    return InvalidRequest(
        f"The run {name} must be in the 'active' state. Current state is deleted.",
        code="RunDeleted",
        hint="MlflowClient().restore_run(run_id)",
    )


def writable(
    db: Database, connection: AnyConnection, logged: Iterable[tuple[str, str, Collection[str]]]
) -> dict[tuple[str, str], tuple[int, InvalidRequest | None]]:
    """(workspace, run) -> (job id, why it may not log) of those that exist.

    `logged` are metrics that will be written in this transaction: (workspace, run, keys). Raises `NotNow`.
    """
    different: dict[tuple[str, str], set[str]] = {}
    for workspace, name, keys in logged:
        different.setdefault((workspace, name), set()).update(keys)
    if not isinstance(connection, Connection) or len(different) == 1:
        each = ({"workspace": workspace, "name": name} for workspace, name in different)
        rows = [row for one in each for row in _ONE.run(db, connection, one).fetchall()]
    else:
        both = {"workspaces": list({name[0] for name in different}), "names": list({name[1] for name in different})}
        rows = list(connection.execute(_MANY, both).all())
    count_metrics(db, connection, {
        id_: different[workspace, name] for workspace, name, id_, gone, source, counted in rows
        if counted and not gone and not source and (workspace, name) in different
    })  # fmt: skip
    return {
        (workspace, name): (id_, deleted(name) if gone else reused(name) if source else None)
        for workspace, name, id_, gone, source, _ in rows
    }


# Made once: building them costs more than running them, and each logged metric runs one.
_ACCESS = select(J.workspace, J.name, J.id, J.archived, J.reused_from, J.keys_counted).with_for_update(
    read=True, key_share=True
)  # as store/run_key_counts.py needs it
_ONE = Prepared(lambda _db: _ACCESS.where(J.workspace == bindparam("workspace"), J.name == bindparam("name")))
_MANY = _ACCESS.where(
    J.workspace.in_(bindparam("workspaces", expanding=True)), J.name.in_(bindparam("names", expanding=True))
)


def set_status(connection: Connection, run: RunRecord, status: Status, ended_at: int | None) -> None:
    """An interactive run goes where its client says, also back to Running: guarded by where it was."""
    assert run.type == INTERACTIVE
    now = now_ms()
    ended = None if status in LIVING else (ended_at or now)
    statement = update(jobs).where(J.id == run.id, J.type == INTERACTIVE, J.status == run.status)
    changed = connection.execute(statement.values(status=status.value, ended_at=ended, changed_at=now)).rowcount
    if changed and status.value != run.status:
        event = {"id": sequence(), "job_id": run.id, "root_id": run.root_id, "at": ended or now, "status": status.value}
        connection.execute(job_events.insert(), event)


def change(connection: Connection, run: RunRecord, values: Mapping[str, Any]) -> None:
    """Columns that are not the status."""
    job_store.change(connection, run.id, {**values, "changed_at": now_ms()})


def names_of(connection: Connection, ids: Sequence[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    for start in range(0, len(ids), 500):
        query = select(J.id, J.name).where(J.id.in_(ids[start : start + 500]))
        found.update((id_, name) for id_, name in connection.execute(query))
    return found


def sources_of(connection: Connection, workspace: str, names: Sequence[str]) -> dict[str, int]:
    """Name of each run -> the id of the job that logged what it shows."""
    found: dict[str, int] = {}
    for start in range(0, len(names), 500):
        query = select(J.name, SOURCE).where(J.workspace == workspace, J.name.in_(names[start : start + 500]))
        found.update((name, id_) for name, id_ in connection.execute(query))
    return found


def starts_of(connection: Connection, ids: Sequence[int]) -> dict[int, int]:
    """When each of these jobs began (ms)."""
    found: dict[int, int] = {}
    for start in range(0, len(ids), 500):
        query = select(J.id, STARTED).where(J.id.in_(ids[start : start + 500]))
        found.update((id_, began) for id_, began in connection.execute(query))
    return found


def ids_of(connection: Connection, workspace: str, names: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for start in range(0, len(names), 500):
        query = select(J.name, J.id).where(J.workspace == workspace, J.name.in_(names[start : start + 500]))
        found.update((name, id_) for name, id_ in connection.execute(query))
    return found
