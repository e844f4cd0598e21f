"""Stop and start an online endpoint. Stopped, it keeps everything but its workers."""

from __future__ import annotations

from zaffre.services.context import Context
from zaffre.services.online_endpoints.view import KIND, view
from zaffre.store import endpoints as store
from zaffre.wire.endpoints import EndpointRef, EndpointView


def stop(ctx: Context, request: EndpointRef) -> EndpointView:
    return _set(ctx, request, stopped=True)


def start(ctx: Context, request: EndpointRef) -> EndpointView:
    return _set(ctx, request, stopped=False)


def _set(ctx: Context, request: EndpointRef, *, stopped: bool) -> EndpointView:
    with ctx.db.write() as connection:
        record = store.get(connection, request.workspace, KIND, request.name)
        store.change(connection, record, facts={**(record.facts or {}), "stopped": stopped})
        ctx.db.after_commit(ctx.changes.in_force)
    return view(ctx, record)
