"""The audit trail on the wire: who did what, when and why."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from zaffre.core.permissions import Permission
from zaffre.wire.operation import Operation, View, WorkspaceRequest


class ListAudit(WorkspaceRequest):
    """Of a workspace, of a noun in it (model, endpoint ...), of one thing, of one version; newest first."""

    noun: str | None = None
    name: str | None = None
    version: str | None = None
    max_results: int = Field(default=100, ge=1, le=10_000)
    cursor: str | None = None


class AuditEntry(View):
    """One act. `before` and `after` hold what it changed."""

    at: str
    actor: str
    action: str
    noun: str
    name: str
    version: str | None = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    reason: str | None = None


class AuditList(View):
    items: list[AuditEntry]
    cursor: str | None = None


LIST = Operation("audit.list", "GET", "/workspaces/{workspace}/audit", ListAudit, AuditList,
                 Permission.WORKSPACE_READ, "Who did what, when and why; newest first")  # fmt: skip
OPERATIONS: tuple[Operation[Any, Any], ...] = (LIST,)
