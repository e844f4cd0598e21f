"""The audit trail, newest first."""

from __future__ import annotations

import re

from zaffre.base.clock import iso
from zaffre.base.errors import InvalidRequest
from zaffre.services.context import Context
from zaffre.store import audit
from zaffre.store.resources import get_workspace
from zaffre.wire.audit import AuditEntry, AuditList, ListAudit


def list_audit(ctx: Context, request: ListAudit) -> AuditList:
    """Raises `InvalidRequest` for a cursor that no list gave."""
    before = None
    if request.cursor is not None:
        if not re.fullmatch(r"[0-9]{1,19}", request.cursor) or int(request.cursor) >= 2**63:
            raise InvalidRequest("this is no cursor of a list", code="BadCursor")
        before = int(request.cursor)
    with ctx.db.read() as connection:
        get_workspace(connection, request.workspace)
        found = audit.page(
            connection, request.workspace, noun=request.noun, name=request.name, version=request.version,
            before_id=before, limit=request.max_results,
        )  # fmt: skip
    cursor = str(found[-1].id) if len(found) == request.max_results else None
    return AuditList(items=[_view(entry) for entry in found], cursor=cursor)


def _view(entry: audit.Entry) -> AuditEntry:
    return AuditEntry(
        at=str(iso(entry.at)), actor=entry.actor, action=entry.action, noun=entry.noun, name=entry.name,
        version=entry.version, before=entry.before, after=entry.after, reason=entry.reason,
    )  # fmt: skip
