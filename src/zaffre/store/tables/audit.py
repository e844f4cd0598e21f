"""Who did what, when and why; and where the approval of a thing stands."""

from __future__ import annotations

from sqlalchemy import DDL, Boolean, Column, Float, Index, String, Table, Text, event

from zaffre.store.tables.base import BigId, Json, Name, metadata, moment

audit = Table(
    "audit",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=False),
    Column("workspace", Name, nullable=False),
    Column("noun", String(32), nullable=False),  # model, endpoint, deployment ...
    Column("name", Name, nullable=False),
    Column("version", Name),  # when it is about one version
    moment("at", nullable=False),
    Column("actor", Name, nullable=False),
    Column("action", String(32), nullable=False),
    Column("before", Json),
    Column("after", Json),
    Column("reason", Text),
)  # append-only: the database itself refuses to change or remove a row
Index("ix_audit_name", audit.c.workspace, audit.c.noun, audit.c.name, audit.c.id)

approvals = Table(
    "approvals",
    metadata,
    Column("workspace", Name, primary_key=True),
    Column("noun", String(32), primary_key=True),
    Column("name", Name, primary_key=True),
    Column("version", Name, primary_key=True),
    Column("state", String(16), nullable=False),  # core/approval.py
    Column("actor", Name, nullable=False),  # who brought it into this state
    Column("reason", Text),
    moment("changed_at", nullable=False),
)

promotion_rules = Table(
    "promotion_rules",
    metadata,
    Column("workspace", Name, primary_key=True),
    Column("name", Name, primary_key=True),  # of the model
    Column("alias", Name, primary_key=True),  # that moves by this rule only
    Column("metric", Name, nullable=False),
    Column("goal", String(16), nullable=False),  # maximize, minimize
    Column("min_delta", Float, nullable=False),
    Column("data", Text),  # the held-out data, as name:version or as a run calls it
    Column("require_approval", Boolean, nullable=False),
    moment("changed_at", nullable=False),
)

_SQLITE = """
CREATE TRIGGER audit_{verb} BEFORE {verb} ON audit
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END
"""
_POSTGRESQL = (
    """
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$
""",
    "CREATE TRIGGER audit_kept BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_is_append_only()",
)


def append_only(dialect: str) -> tuple[str, ...]:
    """The statements that make the database keep the trail."""
    return tuple(_SQLITE.format(verb=verb) for verb in ("update", "delete")) if dialect == "sqlite" else _POSTGRESQL


for _dialect in ("sqlite", "postgresql"):
    for _statement in append_only(_dialect):
        event.listen(audit, "after_create", DDL(_statement).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]
