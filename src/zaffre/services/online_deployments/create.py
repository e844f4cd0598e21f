"""Create or change an online deployment. The request ends when its plan is written; workers come after it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from zaffre.services.context import Context
from zaffre.services.online_deployments.resolve import plan_of
from zaffre.services.online_deployments.view import view
from zaffre.services.online_endpoints.view import KIND
from zaffre.services.patch import merged
from zaffre.services.resolve.scope import Scope
from zaffre.spec.document import dump, parse
from zaffre.store import endpoints as store
from zaffre.store.endpoints import Change, DeploymentRecord
from zaffre.wire.endpoints import DeploymentView, PutDeployment, UpdateDeployment

DOCUMENT = "online-deployment"


def create(ctx: Context, request: PutDeployment) -> DeploymentView:
    """One of that name is changed: new workers are started beside the old ones, which serve until those are ready."""
    spec = dump(parse(request.spec, kind=DOCUMENT).spec)
    return view(_put(ctx, request.workspace, spec, request.all_traffic))


def update(ctx: Context, request: UpdateDeployment) -> DeploymentView:
    with ctx.db.read() as connection:
        record = store.get_deployment(connection, request.workspace, KIND, request.endpoint, request.name)
    names = {"name": record.name, "endpoint_name": record.endpoint}
    spec = dump(parse({**merged(record.spec, request.changes), **names}, kind=DOCUMENT).spec)
    return view(_put(ctx, request.workspace, spec, False))


def _put(ctx: Context, workspace: str, spec: dict[str, Any], all_traffic: bool) -> DeploymentRecord:
    with ctx.db.read() as connection:
        store.get(connection, workspace, KIND, spec["endpoint_name"])
        plan = plan_of(Scope(ctx, connection, workspace), spec)
    with ctx.db.write() as connection:
        store.get(connection, workspace, KIND, spec["endpoint_name"])
        record = store.find_deployment(connection, workspace, KIND, spec["endpoint_name"], spec["name"])
        if record is None:
            record = DeploymentRecord(
                workspace, KIND, spec["endpoint_name"], spec["name"], spec, "Creating", plan=plan,
                facts={"all_traffic": all_traffic}, created_by=ctx.principal.name,
            )  # fmt: skip
            store.add_deployment(connection, record)
        else:
            _change(ctx, connection, record, spec, plan, all_traffic)
        ctx.db.after_commit(ctx.changes.serve)
    return record


def _change(
    ctx: Context,
    connection: Connection,
    record: DeploymentRecord,
    spec: dict[str, Any],
    plan: dict[str, Any],
    all_traffic: bool,
) -> None:
    """What is run decides about a new revision; how many run does not. A failed one is always tried again."""
    former = record.plan or {}
    again = former.get("run") != plan["run"] or record.state == "Failed"
    if again and record.state == "Succeeded":
        before, after = {"spec": record.spec, "plan": former}, {"spec": spec}
        change = Change(record.workspace, KIND, record.endpoint, "update", before, after, record.name)
        change.changed_by = ctx.principal.name
        store.remember(connection, change)
    facts = {**(record.facts or {}), "all_traffic": all_traffic}
    store.change_deployment(
        connection, record, grow=again, spec=spec, plan=plan, state="Updating", message=None, facts=facts
    )
