"""Show online deployments."""

from __future__ import annotations

from zaffre.services.context import Context
from zaffre.services.online_deployments.view import view
from zaffre.services.online_endpoints.view import KIND
from zaffre.store import endpoints as store
from zaffre.wire.endpoints import DeploymentList, DeploymentRef, DeploymentView, ListDeployments


def show(ctx: Context, request: DeploymentRef) -> DeploymentView:
    with ctx.db.read() as connection:
        return view(store.get_deployment(connection, request.workspace, KIND, request.endpoint, request.name))


def list_deployments(ctx: Context, request: ListDeployments) -> DeploymentList:
    with ctx.db.read() as connection:
        store.get(connection, request.workspace, KIND, request.endpoint)
        found = store.deployments_of(connection, KIND, request.workspace, request.endpoint)
    return DeploymentList(items=[view(record) for record in found])
