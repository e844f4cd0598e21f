"""Delete an online deployment, once it gets no traffic."""

from __future__ import annotations

from zaffre.base.errors import Conflict
from zaffre.services.context import Context
from zaffre.services.online_endpoints.view import KIND
from zaffre.store import endpoints as store
from zaffre.wire.endpoints import DeploymentRef
from zaffre.wire.operation import Empty


def delete(ctx: Context, request: DeploymentRef) -> Empty:
    """Raises `Conflict` while requests are sent to it."""
    with ctx.db.write() as connection:
        record = store.get_deployment(connection, request.workspace, KIND, request.endpoint, request.name)
        endpoint = store.get(connection, request.workspace, KIND, request.endpoint)
        percent = (endpoint.spec.get("traffic") or {}).get(record.name)
        if percent:
            raise Conflict(
                f"deployment {record.name} gets {percent} percent of the traffic of {endpoint.name}",
                code="DeploymentInUse",
                hint=f'zaffre online-endpoint update --name {endpoint.name} --traffic "{record.name}=0"',
            )
        store.remove_deployment(connection, record)
        shares = {
            key: {name: share for name, share in (endpoint.spec.get(key) or {}).items() if name != record.name}
            for key in ("traffic", "mirror_traffic")
            if endpoint.spec.get(key)
        }
        store.change(connection, endpoint, spec={**endpoint.spec, **shares})
        ctx.db.after_commit(ctx.changes.in_force)
    return Empty()
