"""An online deployment as it is shown."""

from __future__ import annotations

from zaffre.base.clock import iso
from zaffre.store.endpoints import DeploymentRecord
from zaffre.wire.endpoints import DeploymentView

SHOWN_FACTS = ("workers", "environment_lock", "micro_batch", "serving_revision", "restarts")


def view(record: DeploymentRecord) -> DeploymentView:
    spec = {"type": "managed", "tags": {}, "instance_count": 1, **record.spec}
    facts = {key: value for key, value in (record.facts or {}).items() if key in SHOWN_FACTS}
    shown = {key: value for key, value in spec.items() if key != "$schema" and value is not None}
    return DeploymentView(
        **{
            **shown,
            **facts,
            "name": record.name,
            "endpoint_name": record.endpoint,
            "provisioning_state": record.state,
            "message": record.message,
            "revision": record.revision,
            "created_at": iso(record.created_at),
            "changed_at": iso(record.changed_at),
            "created_by": record.created_by,
        }
    )
