"""Ask for the approval of a version, approve it, reject it: each with who and why, each remembered."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from zaffre.base.clock import iso
from zaffre.base.errors import Conflict, InvalidRequest
from zaffre.core.approval import Approval, may_become
from zaffre.services.assets.show import find
from zaffre.services.audit.record import record as remember
from zaffre.services.context import Context
from zaffre.store import approvals
from zaffre.store.assets import AssetRecord
from zaffre.wire.models import ApprovalView, Decide

NOUN = "model"
ACTIONS = {Approval.REQUESTED: "request-approval", Approval.APPROVED: "approve", Approval.REJECTED: "reject"}


def decider(target: Approval) -> Callable[[Context, Decide], ApprovalView]:
    """The service that brings a version into one state. Jobs may ask; only who may approve can answer."""

    def decide(ctx: Context, request: Decide) -> ApprovalView:
        if target is Approval.REJECTED and not (request.reason or "").strip():
            raise InvalidRequest(
                f"say why {request.name} is rejected",
                code="ReasonMissing",
                hint='--reason "..."',
            )
        with ctx.db.write() as connection:
            return _move(ctx, connection, find(connection, NOUN, request), target, request.reason)

    return decide


def _move(
    ctx: Context, connection: Connection, record: AssetRecord, target: Approval, reason: str | None
) -> ApprovalView:
    where = (record.workspace, NOUN, record.name, record.version)
    former = approvals.get(connection, *where)
    states = (former.state, target)
    if not may_become(*states) or not approvals.move(ctx.db, connection, *where, states, ctx.principal.name, reason):
        now = approvals.get(connection, *where)
        raise Conflict(
            f"the approval of model {record.name}:{record.version} is {now.state}: it cannot become {target}",
            code="ApprovalState",
            hint=f"zaffre model history {record.name}",
        )
    remember(
        ctx, connection, record.workspace, NOUN, record.name, ACTIONS[target], version=record.version,
        before={"approval": former.state}, after={"approval": target}, reason=reason,
    )  # fmt: skip
    return view(connection, record)


def view(connection: Connection, record: AssetRecord) -> ApprovalView:
    found = approvals.get(connection, record.workspace, NOUN, record.name, record.version)
    return ApprovalView(
        name=record.name, version=record.version, state=found.state, actor=found.actor, reason=found.reason,
        changed_at=iso(found.changed_at) if found.changed_at else None,
    )  # fmt: skip
