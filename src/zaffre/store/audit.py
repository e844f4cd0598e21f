"""The audit trail in the database: rows are added and read, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, select

from zaffre.base.clock import now_ms
from zaffre.base.ids import sequence
from zaffre.store.tables.audit import audit

A = audit.c


@dataclass(frozen=True)
class Entry:
    """One act: `before` and `after` are what it changed, as far as it did."""

    id: int
    workspace: str
    noun: str
    name: str
    version: str | None
    at: int
    actor: str
    action: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    reason: str | None


COLUMNS = tuple(A[item.name] for item in fields(Entry))


def add(
    connection: Connection,
    workspace: str,
    noun: str,
    name: str,
    action: str,
    *,
    actor: str,
    version: str | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    """In the transaction of the act itself: what is remembered happened, and what happened is remembered."""
    connection.execute(audit.insert().values(
        id=sequence(), workspace=workspace, noun=noun, name=name, version=version, at=now_ms(), actor=actor,
        action=action, before=dict(before) if before else None, after=dict(after) if after else None, reason=reason,
    ))  # fmt: skip


def page(
    connection: Connection,
    workspace: str,
    *,
    noun: str | None = None,
    name: str | None = None,
    version: str | None = None,
    before_id: int | None = None,
    limit: int = 100,
) -> list[Entry]:
    """Newest first; `before_id` is the last of the former page."""
    query = select(*COLUMNS).where(A.workspace == workspace)
    for column, value in ((A.noun, noun), (A.name, name), (A.version, version)):
        if value is not None:
            query = query.where(column == value)
    if before_id is not None:
        query = query.where(A.id < before_id)
    return [Entry(*row) for row in connection.execute(query.order_by(A.id.desc()).limit(limit))]
