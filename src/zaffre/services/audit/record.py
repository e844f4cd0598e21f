"""Write down who did what to a thing, in the transaction in which it is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from zaffre.services.context import Context
from zaffre.store import audit


def record(
    ctx: Context,
    connection: Connection,
    workspace: str,
    noun: str,
    name: str,
    action: str,
    *,
    version: str | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    """The actor is who asks now. `before` and `after` hold what changed, nothing secret."""
    actor = ctx.principal.name
    audit.add(connection, workspace, noun, name, action, actor=actor, version=version, before=before, after=after,
              reason=reason)  # fmt: skip
