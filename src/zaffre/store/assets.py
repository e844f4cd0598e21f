"""Versioned assets and lineage in the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.exc import IntegrityError

from zaffre.base.errors import Conflict, NotFound
from zaffre.base.ids import is_number, sequence
from zaffre.store.db import Database
from zaffre.store.tables.assets import asset_labels, asset_versions, lineage
from zaffre.store.tables.audit import approvals, audit
from zaffre.store.tables.jobs import jobs


@dataclass
class AssetRecord:
    """One version as remembered; the columns of `asset_versions`."""

    id: int
    workspace: str
    kind: str
    name: str
    version: str
    spec: dict[str, Any]
    created_at: int
    changed_at: int
    type: str | None = None
    description: str | None = None
    tags: dict[str, Any] = field(default_factory=dict)
    properties: dict[str, Any] = field(default_factory=dict)
    uri: str | None = None
    fingerprint: str | None = None
    facts: dict[str, Any] | None = None
    archived: bool = False
    created_by: str | None = None
    job_id: int | None = None


COLUMNS = tuple(asset_versions.c[item.name] for item in fields(AssetRecord))
_NAMES = tuple(item.name for item in fields(AssetRecord))
V, U = asset_versions.c, audit.c


def _record(row: Any) -> AssetRecord:
    return AssetRecord(**dict(zip(_NAMES, row, strict=True)))


def insert(connection: Connection, record: AssetRecord) -> None:
    """Raises `Conflict` when the version exists."""
    try:
        with connection.begin_nested():
            connection.execute(asset_versions.insert(), {name: getattr(record, name) for name in _NAMES})
    except IntegrityError:
        raise Conflict(
            f"{record.kind} {record.name}:{record.version} exists already",
            code="VersionExists",
            hint="versions never change: leave the version out to get the next one",
        ) from None


def find(connection: Connection, workspace: str, kind: str, name: str, version: str) -> AssetRecord | None:
    query = select(*COLUMNS).where(V.workspace == workspace, V.kind == kind, V.name == name, V.version == version)
    row = connection.execute(query).first()
    return _record(row) if row else None


def latest(connection: Connection, workspace: str, kind: str, name: str) -> AssetRecord | None:
    """The version that was made last and is not archived."""
    query = select(*COLUMNS).where(V.workspace == workspace, V.kind == kind, V.name == name, V.archived.is_(False))
    row = connection.execute(query.order_by(V.id.desc()).limit(1)).first()
    return _record(row) if row else None


def get(
    connection: Connection, workspace: str, kind: str, name: str, version: str | None = None, label: str | None = None
) -> AssetRecord:
    """A version, or what a label points to, or the latest. Raises `NotFound` naming what there is."""
    if version is None and label not in (None, "latest"):
        L = asset_labels.c
        query = select(L.version).where(L.workspace == workspace, L.kind == kind, L.name == name, L.label == label)
        version = connection.execute(query).scalar()
        if version is None:
            raise NotFound(
                f"{kind} {name} has no label {label}", code="LabelNotFound", hint=f"zaffre {kind} list --name {name}"
            )
    found = (
        find(connection, workspace, kind, name, version)
        if version is not None
        else latest(connection, workspace, kind, name)
    )
    if found is None:
        there = [item.version for item in versions(connection, workspace, kind, name)]
        if there:
            what = (
                f"{kind} {name} has no version {version}" if version else f"every version of {kind} {name} is archived"
            )
            raise NotFound(
                f"{what}; there is {', '.join(there[:8])}",
                code="VersionNotFound",
                hint=f"zaffre {kind} list --name {name}",
            )
        raise NotFound(
            f"{kind} {name} not found in workspace {workspace}", code="AssetNotFound", hint=f"zaffre {kind} list"
        )
    return found


def versions(
    connection: Connection, workspace: str, kind: str, name: str, archived: bool | None = None, limit: int = 100_000
) -> list[AssetRecord]:
    """Every version of a name, newest first."""
    where = [V.workspace == workspace, V.kind == kind, V.name == name]
    if archived is not None:
        where.append(V.archived.is_(archived))
    return [
        _record(row) for row in connection.execute(select(*COLUMNS).where(*where).order_by(V.id.desc()).limit(limit))
    ]


def newest_of_each(
    connection: Connection, workspace: str, kind: str, archived: bool | None = False, limit: int = 1000
) -> list[AssetRecord]:
    where = [V.workspace == workspace, V.kind == kind]
    if archived is not None:
        where.append(V.archived.is_(archived))
    newest = select(func.max(V.id)).where(*where).group_by(V.name)
    return [
        _record(row)
        for row in connection.execute(select(*COLUMNS).where(V.id.in_(newest)).order_by(V.name).limit(limit))
    ]


def next_version(connection: Connection, workspace: str, kind: str, name: str) -> str:
    """One more than the highest whole number that a version has or had; 1 when there is none.

    A number is not given twice: jobs and people remember the version that bore it. A name that was deleted as a whole
    begins anew.
    """
    there = select(V.version).where(V.workspace == workspace, V.kind == kind, V.name == name)
    deleted = (U.workspace == workspace, U.noun == kind, U.name == name, U.action == "delete")
    begun = select(func.coalesce(func.max(U.id), 0)).where(*deleted, U.version.is_(None)).scalar_subquery()
    gone = select(U.version).where(*deleted, U.version.is_not(None), U.id > begun)
    numbers = [int(row[0]) for row in connection.execute(there.union(gone)) if is_number(row[0])]
    return str(max(numbers, default=0) + 1)


def insert_next(connection: Connection, record: AssetRecord) -> str:
    """Write it as the next version, which is returned; another writer may take a number first, then it is the next."""
    while True:
        version = next_version(connection, record.workspace, record.kind, record.name)
        record.version = record.spec["version"] = version
        try:
            insert(connection, record)
            return version
        except Conflict:
            if next_version(connection, record.workspace, record.kind, record.name) == version:
                raise


def change(connection: Connection, record: AssetRecord, values: Mapping[str, Any]) -> None:
    connection.execute(update(asset_versions).where(V.id == record.id).values(dict(values)))


def set_archived(
    connection: Connection, workspace: str, kind: str, name: str, version: str | None, archived: bool
) -> int:
    where = [V.workspace == workspace, V.kind == kind, V.name == name]
    if version is not None:
        where.append(V.version == version)
    return connection.execute(update(asset_versions).where(*where).values(archived=archived)).rowcount


def remove(connection: Connection, record: AssetRecord) -> None:
    L = asset_labels.c
    connection.execute(
        delete(asset_labels).where(
            L.workspace == record.workspace, L.kind == record.kind, L.name == record.name, L.version == record.version
        )
    )
    A = approvals.c  # a later version of the same number is another one, and not approved
    connection.execute(
        delete(approvals).where(
            A.workspace == record.workspace, A.noun == record.kind, A.name == record.name, A.version == record.version
        )
    )
    connection.execute(delete(asset_versions).where(V.id == record.id))


def set_label(db: Database, connection: Connection, record: AssetRecord, label: str) -> None:
    values = {"workspace": record.workspace, "kind": record.kind, "name": record.name, "label": label}
    statement = db.insert(asset_labels).values(**values, version=record.version)
    connection.execute(statement.on_conflict_do_update(index_elements=list(values), set_={"version": record.version}))


def labels_of(connection: Connection, record: AssetRecord) -> list[str]:
    L = asset_labels.c
    query = select(L.label).where(
        L.workspace == record.workspace, L.kind == record.kind, L.name == record.name, L.version == record.version
    )
    return sorted(row[0] for row in connection.execute(query))


def labels_of_kind(connection: Connection, workspace: str, kind: str) -> list[tuple[str, str, str, int | None]]:
    """(name, label, version, the job that made it) of every label there is."""
    L = asset_labels.c
    same = (V.workspace == L.workspace) & (V.kind == L.kind) & (V.name == L.name) & (V.version == L.version)
    query = select(L.name, L.label, L.version, V.job_id).join(asset_versions, same)
    found = connection.execute(query.where(L.workspace == workspace, L.kind == kind).order_by(L.name, L.label))
    return [(row[0], row[1], row[2], row[3]) for row in found]


def makers_of(connection: Connection, workspace: str, kind: str, name: str) -> dict[str, int]:
    """The job that made each version, where a job did."""
    where = (V.workspace == workspace, V.kind == kind, V.name == name, V.job_id.is_not(None))
    return {row[0]: row[1] for row in connection.execute(select(V.version, V.job_id).where(*where))}


# --- lineage --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Edge:
    """A job used (input) or made (output) `ref` at its `port`."""

    job_id: int
    direction: str
    port: str
    kind: str
    ref: str


def add_edges(connection: Connection, workspace: str, edges: Iterable[Edge]) -> None:
    rows = [{"workspace": workspace, **vars(edge)} for edge in edges]
    if rows:
        for number, row in enumerate(rows, sequence(len(rows))):
            row["id"] = number
        connection.execute(lineage.insert(), rows)


def edges_of(connection: Connection, record: AssetRecord) -> list[tuple[Edge, str, str]]:
    """Each edge that touches a version, with the name and status of its job.

    What used a former version of this number, which was deleted, is not among them.
    """
    ref = f"{record.name}:{record.version}"
    return edges_at(connection, record.workspace, record.kind, ref, since=record.id)


def edges_at(
    connection: Connection,
    workspace: str,
    kind: str,
    ref: str,
    since: int = 0,
    *,
    direction: str | None = None,
    limit: int | None = None,
) -> list[tuple[Edge, str, str]]:
    """As `edges_of`, for anything that a job may use or make. `since` is the least number of an edge that counts."""
    C = lineage.c
    query = (
        select(C.job_id, C.direction, C.port, C.kind, C.ref, jobs.c.name, jobs.c.status)
        .join_from(lineage, jobs, C.job_id == jobs.c.id)
        .where(C.workspace == workspace, C.kind == kind, C.ref == ref, C.id >= since)
        .order_by(C.id)
        .limit(limit)
    )
    if direction:
        query = query.where(C.direction == direction)
    return [(Edge(*row[:5]), row[5], row[6]) for row in connection.execute(query)]


def edges_of_job(
    connection: Connection, job_id: int, direction: str | None = None, limit: int | None = None
) -> list[Edge]:
    C = lineage.c
    query = select(C.job_id, C.direction, C.port, C.kind, C.ref).where(C.job_id == job_id).order_by(C.id).limit(limit)
    if direction:
        query = query.where(C.direction == direction)
    return [Edge(*row) for row in connection.execute(query)]
