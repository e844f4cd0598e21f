"""Delete an online endpoint with its deployments. Its workers end, and its address is gone."""

from __future__ import annotations

from zaffre.services.context import Context
from zaffre.services.online_endpoints.view import KIND
from zaffre.store import endpoints as store
from zaffre.wire.endpoints import EndpointRef
from zaffre.wire.operation import Empty


def delete(ctx: Context, request: EndpointRef) -> Empty:
    with ctx.db.write() as connection:
        store.remove(connection, request.workspace, KIND, request.name)
        ctx.db.after_commit(ctx.changes.in_force)
    return Empty()
