"""Create or change an online endpoint. A change of its traffic is remembered, so that it can be taken back."""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import Connection

from zaffre.base.errors import InvalidRequest
from zaffre.services.context import Context
from zaffre.services.online_endpoints.view import KIND, view
from zaffre.services.patch import merged
from zaffre.spec.document import dump, parse
from zaffre.store import endpoints as store
from zaffre.store.endpoints import Change, EndpointRecord
from zaffre.store.resources import get_workspace
from zaffre.wire.endpoints import EndpointView, PutEndpoint, UpdateEndpoint

DOCUMENT = "online-endpoint"
WHOLE = ("traffic", "mirror_traffic")  # replaced, not merged: percentages belong together
KEY_BYTES = 32


def create(ctx: Context, request: PutEndpoint) -> EndpointView:
    """One of that name is changed: it keeps its keys, and its traffic if the document has none."""
    spec = _read(request.spec)
    with ctx.db.write() as connection:
        get_workspace(connection, request.workspace)
        record = store.find(connection, request.workspace, KIND, spec["name"])
        if record is None:
            record = EndpointRecord(
                request.workspace,
                KIND,
                spec["name"],
                spec,
                "Succeeded",
                secret=ctx.vault.encrypt(new_keys()),
                created_by=ctx.principal.name,
            )
            check_traffic(connection, record, spec)
            store.add(connection, record)
        else:
            kept = {key: record.spec[key] for key in WHOLE if key in record.spec}
            put(ctx, connection, record, {**kept, **spec})
        ctx.db.after_commit(ctx.changes.in_force)
    return view(ctx, record)


def update(ctx: Context, request: UpdateEndpoint) -> EndpointView:
    """Raises `InvalidRequest` for traffic that does not add up or names a deployment that is not there."""
    with ctx.db.write() as connection:
        record = store.get(connection, request.workspace, KIND, request.name)
        spec = _read({**merged(record.spec, request.changes, WHOLE), "name": record.name})
        put(ctx, connection, record, spec)
        ctx.db.after_commit(ctx.changes.in_force)
    return view(ctx, record)


def put(
    ctx: Context, connection: Connection, record: EndpointRecord, spec: dict[str, Any], reason: str | None = None
) -> None:
    """Write the document of an endpoint that exists; changed traffic goes to the history."""
    check_traffic(connection, record, spec)
    before = {key: record.spec.get(key) or {} for key in WHOLE}
    after = {key: spec.get(key) or {} for key in WHOLE}
    if before != after:
        change = Change(record.workspace, KIND, record.name, "traffic", before, after, reason=reason)
        change.changed_by = ctx.principal.name
        store.remember(connection, change)
    store.change(connection, record, spec=spec, state="Succeeded", message=None)


def check_traffic(connection: Connection, record: EndpointRecord, spec: dict[str, Any]) -> None:
    there = {one.name for one in store.deployments_of(connection, KIND, record.workspace, record.name)}
    for key in WHOLE:
        for name, percent in (spec.get(key) or {}).items():
            if name not in there and percent:
                raise InvalidRequest(
                    f"{key}: endpoint {record.name} has no deployment {name}",
                    code="DeploymentNotFound",
                    hint=f"zaffre online-deployment list --endpoint-name {record.name}",
                )


def new_keys() -> dict[str, str]:
    """Two keys, and what signs tokens."""
    return {name: secrets.token_urlsafe(KEY_BYTES) for name in ("primary", "secondary")} | {
        "token_secret": secrets.token_hex(KEY_BYTES)
    }


def _read(document: dict[str, Any]) -> dict[str, Any]:
    return dump(parse(document, kind=DOCUMENT).spec)
