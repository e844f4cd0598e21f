"""Take back the last change of an online endpoint: its traffic, or what a deployment runs."""

from __future__ import annotations

from sqlalchemy import Connection

from zaffre.base.errors import Conflict
from zaffre.services.context import Context
from zaffre.services.online_endpoints.create import WHOLE
from zaffre.services.online_endpoints.view import KIND, view
from zaffre.store import endpoints as store
from zaffre.store.endpoints import Change, EndpointRecord
from zaffre.wire.endpoints import EndpointRef, EndpointView


def rollback(ctx: Context, request: EndpointRef) -> EndpointView:
    """Raises `Conflict` when there is nothing to go back to."""
    with ctx.db.write() as connection:
        record = store.get(connection, request.workspace, KIND, request.name)
        change = last(connection, record)
        if change is None:
            raise Conflict(
                f"endpoint {record.name} has no change to take back",
                code="NothingToRollBack",
                hint=f"zaffre online-endpoint show --name {record.name}",
            )
        take_back(ctx, connection, record, change, "asked for")
        ctx.db.after_commit(ctx.changes.in_force)
    return view(ctx, record)


def last(connection: Connection, record: EndpointRecord) -> Change | None:
    """The newest change that was not taken back, and that can be."""
    taken: set[int] = set()
    for item in store.history(connection, record.workspace, KIND, record.name):
        if item.verb == "rollback":
            taken.add(int((item.after or {}).get("of", 0)))
        elif item.id not in taken and _possible(connection, record, item):
            return item
    return None


def take_back(ctx: Context, connection: Connection, record: EndpointRecord, change: Change, reason: str) -> None:
    """What was before the change is again. The endpoint says why."""
    before = change.before or {}
    if change.verb == "traffic":
        spec = {**record.spec, **{key: before[key] for key in WHOLE if key in before}}
        store.change(connection, record, spec=spec, message=f"rolled back: {reason}")
    else:
        deployment = store.get_deployment(connection, record.workspace, KIND, record.name, str(change.deployment))
        store.change_deployment(
            connection, deployment, grow=True, spec=before["spec"], plan=before["plan"], state="Updating",
            message=f"rolled back: {reason}",
        )  # fmt: skip
        store.change(connection, record, message=f"deployment {deployment.name} rolled back: {reason}")
    done = Change(
        record.workspace, KIND, record.name, "rollback", change.after, {**before, "of": change.id},
        change.deployment, reason, ctx.principal.name,
    )  # fmt: skip
    store.remember(connection, done)


def _possible(connection: Connection, record: EndpointRecord, change: Change) -> bool:
    """Traffic goes back only to deployments that are still there, and not to none at all."""
    there = {one.name for one in store.deployments_of(connection, KIND, record.workspace, record.name)}
    if change.verb == "update":
        return change.deployment in there and bool((change.before or {}).get("plan"))
    shares = {name for name, percent in ((change.before or {}).get("traffic") or {}).items() if percent}
    return bool(shares) and shares <= there
