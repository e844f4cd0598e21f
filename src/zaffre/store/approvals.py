"""Approvals in the database: one state a version, changed under the guard of the former state."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from zaffre.base.clock import now_ms
from zaffre.core.approval import Approval
from zaffre.store.db import Database
from zaffre.store.tables.audit import approvals

A = approvals.c


@dataclass(frozen=True)
class ApprovalRecord:
    state: Approval = Approval.NONE
    actor: str | None = None
    reason: str | None = None
    changed_at: int | None = None


def get(connection: Connection, workspace: str, noun: str, name: str, version: str) -> ApprovalRecord:
    """Where the approval stands; `None` when nobody asked."""
    where = (A.workspace == workspace, A.noun == noun, A.name == name, A.version == version)
    row = connection.execute(select(A.state, A.actor, A.reason, A.changed_at).where(*where)).first()
    return ApprovalRecord(Approval(row[0]), *row[1:]) if row else ApprovalRecord()


def of_name(connection: Connection, workspace: str, noun: str, name: str) -> dict[str, str]:
    """The state of each version that somebody asked about."""
    where = (A.workspace == workspace, A.noun == noun, A.name == name)
    return {row[0]: row[1] for row in connection.execute(select(A.version, A.state).where(*where))}


def move(
    db: Database,
    connection: Connection,
    workspace: str,
    noun: str,
    name: str,
    version: str,
    states: tuple[Approval, Approval],
    actor: str,
    reason: str | None,
) -> bool:
    """From the first state to the second; False when it is in another one by now."""
    former, state = states
    place = {"workspace": workspace, "noun": noun, "name": name, "version": version}
    values = {"state": state, "actor": actor, "reason": reason, "changed_at": now_ms()}
    if former is Approval.NONE:
        statement = db.insert(approvals).values(**place, **values).on_conflict_do_nothing().returning(A.state)
        return connection.execute(statement).first() is not None
    where = [A[key] == value for key, value in place.items()]
    return connection.execute(update(approvals).where(*where, A.state == former).values(**values)).rowcount == 1
