"""Batch deployments: what an endpoint runs. Creating one finds out all that an invocation would stumble over."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from zaffre.base.clock import iso
from zaffre.services.batch_endpoints import endpoint
from zaffre.services.batch_endpoints.endpoint import KIND, READY
from zaffre.services.batch_endpoints.pipeline import pipeline_of
from zaffre.services.context import Context
from zaffre.services.patch import merged
from zaffre.services.resolve.plan import resolve
from zaffre.services.resolve.scope import Scope
from zaffre.spec.document import dump, parse
from zaffre.store import endpoints as store
from zaffre.store.endpoints import DeploymentRecord
from zaffre.wire.endpoints import (
    DeploymentList,
    DeploymentRef,
    DeploymentView,
    ListDeployments,
    PutDeployment,
    UpdateDeployment,
)
from zaffre.wire.operation import Empty


def create(ctx: Context, request: PutDeployment) -> DeploymentView:
    """One of that name is replaced. Raises `NotFound`, `InvalidRequest` for what could not run."""
    spec = dump(parse(request.spec, kind="batch-deployment").spec)
    record = DeploymentRecord(request.workspace, KIND, spec["endpoint_name"], spec["name"], spec, READY)
    record.created_by = ctx.principal.name
    return _put(ctx, record, request.all_traffic)


def list_deployments(ctx: Context, request: ListDeployments) -> DeploymentList:
    with ctx.db.read() as connection:
        store.get(connection, request.workspace, KIND, request.endpoint)
        found = store.deployments_of(connection, KIND, request.workspace, request.endpoint)
        return DeploymentList(items=[view(record) for record in found])


def show(ctx: Context, request: DeploymentRef) -> DeploymentView:
    """Raises `NotFound`."""
    with ctx.db.read() as connection:
        return view(store.get_deployment(connection, request.workspace, KIND, request.endpoint, request.name))


def update(ctx: Context, request: UpdateDeployment) -> DeploymentView:
    """Raises as `create` does."""
    with ctx.db.read() as connection:
        record = store.get_deployment(connection, request.workspace, KIND, request.endpoint, request.name)
    names = {"name": record.name, "endpoint_name": record.endpoint}
    record.spec = dump(parse(merged(record.spec, {**request.changes, **names}), kind="batch-deployment").spec)
    return _put(ctx, record, False)


def delete(ctx: Context, request: DeploymentRef) -> Empty:
    """The default one may go as well: the endpoint then has none. Raises `NotFound`."""
    with ctx.db.write() as connection:
        record = store.get_deployment(connection, request.workspace, KIND, request.endpoint, request.name)
        store.remove_deployment(connection, record)
        of = store.get(connection, request.workspace, KIND, request.endpoint)
        if (of.spec.get("defaults") or {}).get("deployment_name") == record.name:
            endpoint.set_default(connection, of, None)
    return Empty()


def _put(ctx: Context, record: DeploymentRecord, as_default: bool) -> DeploymentView:
    with ctx.db.read() as connection:
        store.get(connection, record.workspace, KIND, record.endpoint)
    plan = pipeline_of(ctx, record)
    with ctx.db.read() as connection:
        _check(ctx, connection, record.workspace, plan)
    with ctx.db.write() as connection:
        there = store.find_deployment(connection, record.workspace, KIND, record.endpoint, record.name)
        if there is None:
            record.plan = plan
            store.add_deployment(connection, record)
        else:
            store.change_deployment(connection, there, grow=True, spec=record.spec, plan=plan, state=READY)
            record = there
        if as_default:
            endpoint.set_default(
                connection, store.get(connection, record.workspace, KIND, record.endpoint), record.name
            )
    return view(record)


def _check(ctx: Context, connection: Connection, workspace: str, plan: dict[str, Any]) -> None:
    """Everything but the data of an invocation is known now."""
    document = {**plan["job"], "inputs": {**(plan["job"].get("inputs") or {}), **plan["examples"]}}
    resolve(Scope(ctx, connection, workspace), dump(parse(document, kind="job").spec))


def view(record: DeploymentRecord) -> DeploymentView:
    ours = {
        "name": record.name,
        "endpoint_name": record.endpoint,
        "provisioning_state": record.state,
        "message": record.message,
        "revision": record.revision,
        "created_at": iso(record.created_at),
        "changed_at": iso(record.changed_at),
        "created_by": record.created_by,
        **((record.plan or {}).get("shown") or {}),
    }
    return DeploymentView.model_validate({**record.spec, **ours})
