"""Endpoints and deployments in the database. A change that must not meet another one is guarded by the revision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from zaffre.base.clock import now_ms
from zaffre.base.errors import Conflict, NotFound
from zaffre.base.ids import sequence
from zaffre.store.tables.endpoints import deployments, endpoint_changes, endpoints

E, D, C = endpoints.c, deployments.c, endpoint_changes.c


@dataclass
class EndpointRecord:
    """An endpoint as remembered; the columns of `endpoints`. `kind` is online or batch."""

    workspace: str
    kind: str
    name: str
    spec: dict[str, Any]
    state: str
    created_at: int = 0
    changed_at: int = 0
    secret: bytes | None = field(default=None, repr=False)
    message: str | None = None
    revision: int = 1
    facts: dict[str, Any] | None = None
    created_by: str | None = None


@dataclass
class DeploymentRecord:
    """A deployment as remembered; the columns of `deployments`."""

    workspace: str
    kind: str
    endpoint: str
    name: str
    spec: dict[str, Any]
    state: str
    created_at: int = 0
    changed_at: int = 0
    plan: dict[str, Any] | None = None
    message: str | None = None
    revision: int = 1
    facts: dict[str, Any] | None = None
    created_by: str | None = None


@dataclass
class Change:
    """What was done to an endpoint, with what is needed to take it back."""

    workspace: str
    kind: str
    endpoint: str
    verb: str  # traffic, update, rollback
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    deployment: str | None = None
    reason: str | None = None
    changed_by: str | None = None
    id: int = 0
    at: int = 0


_ENDPOINT = tuple(item.name for item in fields(EndpointRecord))
_DEPLOYMENT = tuple(item.name for item in fields(DeploymentRecord))
_CHANGE = tuple(item.name for item in fields(Change))
_ENDPOINT_COLUMNS = tuple(E[name] for name in _ENDPOINT)
_DEPLOYMENT_COLUMNS = tuple(D[name] for name in _DEPLOYMENT)
_CHANGE_COLUMNS = tuple(C[name] for name in _CHANGE)


# --- endpoints ---


def add(connection: Connection, record: EndpointRecord) -> None:
    """Raises `Conflict` when the name is taken."""
    record.created_at = record.changed_at = now_ms()
    try:
        with connection.begin_nested():
            connection.execute(insert(endpoints).values({name: getattr(record, name) for name in _ENDPOINT}))
    except IntegrityError:
        raise Conflict(
            f"{record.kind} endpoint {record.name} exists already",
            code="EndpointExists",
            hint=f"zaffre {record.kind}-endpoint show --name {record.name}",
        ) from None


def find(connection: Connection, workspace: str, kind: str, name: str) -> EndpointRecord | None:
    query = select(*_ENDPOINT_COLUMNS).where(E.workspace == workspace, E.kind == kind, E.name == name)
    row = connection.execute(query).first()
    return EndpointRecord(**dict(zip(_ENDPOINT, row, strict=True))) if row else None


def get(connection: Connection, workspace: str, kind: str, name: str) -> EndpointRecord:
    """Raises `NotFound`."""
    found = find(connection, workspace, kind, name)
    if found is None:
        raise NotFound(
            f"{kind} endpoint {name} not found in workspace {workspace}",
            code="EndpointNotFound",
            hint=f"zaffre {kind}-endpoint list",
        )
    return found


def every(connection: Connection, kind: str, workspace: str | None = None) -> list[EndpointRecord]:
    """Those of one workspace, or of all, by name."""
    query = select(*_ENDPOINT_COLUMNS).where(E.kind == kind).order_by(E.workspace, E.name)
    if workspace is not None:
        query = query.where(E.workspace == workspace)
    return [EndpointRecord(**dict(zip(_ENDPOINT, row, strict=True))) for row in connection.execute(query)]


def change(connection: Connection, record: EndpointRecord, **values: Any) -> None:
    """Write new values of some columns; the record has them afterwards. Raises `Conflict` when somebody was quicker."""
    values = {**values, "changed_at": now_ms(), "revision": record.revision + 1}
    statement = update(endpoints).where(
        E.workspace == record.workspace, E.kind == record.kind, E.name == record.name, E.revision == record.revision
    )
    if not connection.execute(statement.values(values)).rowcount:
        raise _too_late(f"{record.kind} endpoint {record.name}")
    _take(record, values)


def remove(connection: Connection, workspace: str, kind: str, name: str) -> None:
    """The endpoint, its deployments and their history. Raises `NotFound`."""
    get(connection, workspace, kind, name)
    connection.execute(delete(deployments).where(D.workspace == workspace, D.kind == kind, D.endpoint == name))
    connection.execute(delete(endpoint_changes).where(C.workspace == workspace, C.kind == kind, C.endpoint == name))
    connection.execute(delete(endpoints).where(E.workspace == workspace, E.kind == kind, E.name == name))


# --- deployments ---


def add_deployment(connection: Connection, record: DeploymentRecord) -> None:
    """Raises `Conflict` when the name is taken."""
    record.created_at = record.changed_at = now_ms()
    try:
        with connection.begin_nested():
            connection.execute(insert(deployments).values({name: getattr(record, name) for name in _DEPLOYMENT}))
    except IntegrityError:
        raise Conflict(
            f"deployment {record.name} of {record.endpoint} exists already",
            code="DeploymentExists",
            hint=f"zaffre {record.kind}-deployment update --name {record.name} --endpoint-name {record.endpoint} ...",
        ) from None


def find_deployment(
    connection: Connection, workspace: str, kind: str, endpoint: str, name: str
) -> DeploymentRecord | None:
    query = select(*_DEPLOYMENT_COLUMNS).where(
        D.workspace == workspace, D.kind == kind, D.endpoint == endpoint, D.name == name
    )
    row = connection.execute(query).first()
    return DeploymentRecord(**dict(zip(_DEPLOYMENT, row, strict=True))) if row else None


def get_deployment(connection: Connection, workspace: str, kind: str, endpoint: str, name: str) -> DeploymentRecord:
    """Raises `NotFound`, of the endpoint or of the deployment."""
    found = find_deployment(connection, workspace, kind, endpoint, name)
    if found is None:
        get(connection, workspace, kind, endpoint)
        raise NotFound(
            f"deployment {name} of {kind} endpoint {endpoint} not found",
            code="DeploymentNotFound",
            hint=f"zaffre {kind}-deployment list --endpoint-name {endpoint}",
        )
    return found


def deployments_of(
    connection: Connection, kind: str, workspace: str | None = None, endpoint: str | None = None
) -> list[DeploymentRecord]:
    """Those of one endpoint, of one workspace, or of all, in the order in which they were made."""
    query = select(*_DEPLOYMENT_COLUMNS).where(D.kind == kind).order_by(D.workspace, D.endpoint, D.created_at, D.name)
    if workspace is not None:
        query = query.where(D.workspace == workspace)
    if endpoint is not None:
        query = query.where(D.endpoint == endpoint)
    return [DeploymentRecord(**dict(zip(_DEPLOYMENT, row, strict=True))) for row in connection.execute(query)]


def change_deployment(connection: Connection, record: DeploymentRecord, *, grow: bool = False, **values: Any) -> None:
    """Write new values; with `grow` the revision as well. Raises `Conflict` when its revision is no longer this one."""
    values = {**values, "changed_at": now_ms(), "revision": record.revision + grow}
    statement = update(deployments).where(
        D.workspace == record.workspace,
        D.kind == record.kind,
        D.endpoint == record.endpoint,
        D.name == record.name,
        D.revision == record.revision,
    )
    if not connection.execute(statement.values(values)).rowcount:
        raise _too_late(f"deployment {record.name} of {record.endpoint}")
    _take(record, values)


def remove_deployment(connection: Connection, record: DeploymentRecord) -> None:
    connection.execute(
        delete(deployments).where(
            D.workspace == record.workspace,
            D.kind == record.kind,
            D.endpoint == record.endpoint,
            D.name == record.name,
        )
    )


# --- what happened ---


def remember(connection: Connection, item: Change) -> None:
    item.id, item.at = sequence(), now_ms()
    connection.execute(insert(endpoint_changes).values({name: getattr(item, name) for name in _CHANGE}))


def history(connection: Connection, workspace: str, kind: str, endpoint: str, limit: int = 100) -> list[Change]:
    """Newest first."""
    query = select(*_CHANGE_COLUMNS).where(C.workspace == workspace, C.kind == kind, C.endpoint == endpoint)
    rows = connection.execute(query.order_by(C.id.desc()).limit(limit))
    return [Change(**dict(zip(_CHANGE, row, strict=True))) for row in rows]


def _take(record: Any, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(record, name, value)


def _too_late(what: str) -> Conflict:
    return Conflict(f"{what} was changed by somebody else at this moment", code="ChangedMeanwhile", hint="try again")
