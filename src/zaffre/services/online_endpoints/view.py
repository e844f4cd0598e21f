"""An online endpoint as it is shown."""

from __future__ import annotations

from urllib.parse import quote

from zaffre.base.clock import iso
from zaffre.services.context import Context
from zaffre.store.endpoints import EndpointRecord
from zaffre.wire.endpoints import EndpointView

KIND = "online"


def is_stopped(record: EndpointRecord) -> bool:
    return bool((record.facts or {}).get("stopped"))


def view(ctx: Context, record: EndpointRecord) -> EndpointView:
    url = ctx.changes.scoring_url()
    address = f"{url}/endpoints/{quote(record.workspace)}/{quote(record.name)}" if url else None
    spec = {"auth_mode": "key", "traffic": {}, "mirror_traffic": {}, "tags": {}, **record.spec}
    shown = {key: value for key, value in spec.items() if key != "$schema" and value is not None}
    return EndpointView(
        **{
            **shown,
            "name": record.name,
            "kind": "Managed",
            "provisioning_state": record.state,
            "message": record.message,
            "stopped": is_stopped(record),
            "scoring_uri": f"{address}/score" if address else None,
            "openapi_uri": f"{address}/swagger.json" if address else None,
            "revision": record.revision,
            "created_at": iso(record.created_at),
            "changed_at": iso(record.changed_at),
            "created_by": record.created_by,
        }
    )
