"""Batch endpoints: create, list, show, change, delete. They run nothing until they are invoked."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from zaffre.base.clock import iso
from zaffre.services.context import Context
from zaffre.services.patch import merged
from zaffre.spec.document import dump, parse
from zaffre.store import endpoints as store
from zaffre.store.endpoints import EndpointRecord
from zaffre.store.resources import get_workspace
from zaffre.wire.endpoints import EndpointList, EndpointRef, EndpointView, PutEndpoint, UpdateEndpoint
from zaffre.wire.operation import Empty, WorkspaceRequest

KIND = "batch"
READY = "Succeeded"


def create(ctx: Context, request: PutEndpoint) -> EndpointView:
    """One of that name gets the new document; its deployments stay. Raises `SpecError`."""
    spec = dump(parse(request.spec, kind="batch-endpoint").spec)
    with ctx.db.write() as connection:
        get_workspace(connection, request.workspace)
        record = store.find(connection, request.workspace, KIND, spec["name"])
        if record is not None:
            if not (spec.get("defaults") or {}).get("deployment_name") and record.spec.get("defaults"):
                spec["defaults"] = record.spec["defaults"]
            return _changed(ctx, connection, record, spec)
        record = EndpointRecord(request.workspace, KIND, spec["name"], spec, READY, created_by=ctx.principal.name)
        store.add(connection, record)
        return view(ctx, record)


def list_endpoints(ctx: Context, request: WorkspaceRequest) -> EndpointList:
    with ctx.db.read() as connection:
        get_workspace(connection, request.workspace)
        return EndpointList(items=[view(ctx, record) for record in store.every(connection, KIND, request.workspace)])


def show(ctx: Context, request: EndpointRef) -> EndpointView:
    """Raises `NotFound`."""
    with ctx.db.read() as connection:
        return view(ctx, store.get(connection, request.workspace, KIND, request.name))


def update(ctx: Context, request: UpdateEndpoint) -> EndpointView:
    """Raises `NotFound`, also for a default deployment that does not exist."""
    with ctx.db.write() as connection:
        record = store.get(connection, request.workspace, KIND, request.name)
        spec = merged(record.spec, {**request.changes, "name": record.name})
        return _changed(ctx, connection, record, dump(parse(spec, kind="batch-endpoint").spec))


def delete(ctx: Context, request: EndpointRef) -> Empty:
    """With its deployments. The jobs that it started go on, and stay."""
    with ctx.db.write() as connection:
        store.remove(connection, request.workspace, KIND, request.name)
    return Empty()


def set_default(connection: Connection, record: EndpointRecord, deployment: str | None) -> None:
    """None takes the default away."""
    spec = merged(record.spec, {"defaults": {"deployment_name": deployment} if deployment else None})
    store.change(connection, record, spec=spec)


def _changed(ctx: Context, connection: Connection, record: EndpointRecord, spec: dict[str, Any]) -> EndpointView:
    default = (spec.get("defaults") or {}).get("deployment_name")
    if default:
        store.get_deployment(connection, record.workspace, KIND, record.name, default)
    store.change(connection, record, spec=spec)
    return view(ctx, record)


def view(ctx: Context, record: EndpointRecord) -> EndpointView:
    ours = {
        "name": record.name,
        "auth_mode": record.spec.get("auth_mode") or "aad_token",
        "defaults": record.spec.get("defaults") or {"deployment_name": None},
        "provisioning_state": record.state,
        "message": record.message,
        "scoring_uri": f"{ctx.settings.url}/api/workspaces/{record.workspace}/batch-endpoints/{record.name}/jobs",
        "revision": record.revision,
        "created_at": iso(record.created_at),
        "changed_at": iso(record.changed_at),
        "created_by": record.created_by,
    }
    return EndpointView.model_validate({**record.spec, **ours})
