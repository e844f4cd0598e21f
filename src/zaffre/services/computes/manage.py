"""Computes: create, list, show, update, delete. Here a cluster is a set of slots on this machine."""

from __future__ import annotations

from typing import Any

from zaffre.base.errors import Conflict, InvalidRequest
from zaffre.services.computes import limits
from zaffre.services.context import Context
from zaffre.spec.document import dump, parse
from zaffre.store import resources
from zaffre.store.resources import get_workspace
from zaffre.wire.operation import Empty, WorkspaceRequest
from zaffre.wire.resources import PutResource, ResourceList, ResourceRef, ResourceView, UpdateResource

KIND = "compute"


def create(ctx: Context, request: PutResource) -> ResourceView:
    return _put(ctx, request.workspace, dump(parse(request.spec, kind=KIND).spec))


def show(ctx: Context, request: ResourceRef) -> ResourceView:
    if request.name == "local":
        return _view(_local(ctx))
    with ctx.db.read() as connection:
        spec, _ = resources.get(connection, request.workspace, KIND, request.name)
    return _view(spec)


def list_computes(ctx: Context, request: WorkspaceRequest) -> ResourceList:
    with ctx.db.read() as connection:
        get_workspace(connection, request.workspace)
        own = resources.every(connection, request.workspace, KIND)
    return ResourceList(items=[_view(spec) for spec in [_local(ctx), *own]])


def update(ctx: Context, request: UpdateResource) -> ResourceView:
    with ctx.db.read() as connection:
        spec, _ = resources.get(connection, request.workspace, KIND, request.name)
    return _put(ctx, request.workspace, dump(parse({**spec, **request.changes, "name": request.name}, kind=KIND).spec))


def delete(ctx: Context, request: ResourceRef) -> Empty:
    if request.name == "local":
        raise Conflict("the compute local is this machine", code="ComputeBuiltIn")
    with ctx.db.write() as connection:
        resources.remove(connection, request.workspace, KIND, request.name)
    limits.forget(ctx, request.workspace, request.name)
    return Empty()


def _put(ctx: Context, workspace: str, spec: dict[str, Any]) -> ResourceView:
    if spec["name"] == "local":
        raise Conflict("the compute local is this machine", code="ComputeBuiltIn", hint="choose another name")
    if spec.get("type") != "amlcompute":
        raise InvalidRequest(
            f"compute {spec['name']}: type {spec.get('type')} is read and checked by this release, but not run",
            code="ComputeTypeNotOffered",
            hint="type: amlcompute",
        )
    spec = {"min_instances": 0, "max_instances": 4, **spec}
    with ctx.db.write() as connection:
        get_workspace(connection, workspace)
        resources.put(ctx.db, connection, workspace, KIND, spec["name"], spec, None)
    limits.forget(ctx, workspace, spec["name"])
    return _view(spec)


def _local(ctx: Context) -> dict[str, Any]:
    machine = ctx.facts.get("machine") or {}
    return {"name": "local", "type": "local", "description": "this machine", "cpu": machine.get("cores")}


def _view(spec: dict[str, Any]) -> ResourceView:
    return ResourceView(
        **{"provisioning_state": "Succeeded", **{key: item for key, item in spec.items() if item is not None}}
    )
