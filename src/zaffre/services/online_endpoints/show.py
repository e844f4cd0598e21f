"""Show online endpoints and what happened to them."""

from __future__ import annotations

from zaffre.base.clock import iso
from zaffre.services.context import Context
from zaffre.services.online_endpoints.view import KIND, view
from zaffre.store import endpoints as store
from zaffre.store.endpoints import Change
from zaffre.store.resources import get_workspace
from zaffre.wire.endpoints import ChangeList, ChangeView, EndpointList, EndpointRef, EndpointView
from zaffre.wire.operation import WorkspaceRequest


def show(ctx: Context, request: EndpointRef) -> EndpointView:
    with ctx.db.read() as connection:
        record = store.get(connection, request.workspace, KIND, request.name)
    return view(ctx, record)


def list_endpoints(ctx: Context, request: WorkspaceRequest) -> EndpointList:
    with ctx.db.read() as connection:
        get_workspace(connection, request.workspace)
        records = store.every(connection, KIND, request.workspace)
    return EndpointList(items=[view(ctx, record) for record in records])


def history(ctx: Context, request: EndpointRef) -> ChangeList:
    """Newest first."""
    with ctx.db.read() as connection:
        store.get(connection, request.workspace, KIND, request.name)
        found = store.history(connection, request.workspace, KIND, request.name)
    return ChangeList(items=[_change(item) for item in found])


def _change(item: Change) -> ChangeView:
    def shown(side: dict[str, object] | None) -> dict[str, object] | None:
        return {key: value for key, value in side.items() if key != "plan"} if side else side

    return ChangeView(
        at=iso(item.at) or "",
        verb=item.verb,
        deployment=item.deployment,
        before=shown(item.before),
        after=shown(item.after),
        reason=item.reason,
        changed_by=item.changed_by,
    )
