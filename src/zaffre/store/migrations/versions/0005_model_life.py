"""The audit trail, approvals, and the rules by which aliases move."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"

BigId = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Json = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
Name = sa.String(255)

APPEND_ONLY = {
    "sqlite": tuple(
        f"CREATE TRIGGER audit_{verb} BEFORE {verb} ON audit "
        "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
        for verb in ("update", "delete")
    ),
    "postgresql": (
        "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$",
        "CREATE TRIGGER audit_kept BEFORE UPDATE OR DELETE ON audit "
        "FOR EACH ROW EXECUTE FUNCTION audit_is_append_only()",
    ),
}


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", BigId, primary_key=True, autoincrement=False),
        sa.Column("workspace", Name, nullable=False),
        sa.Column("noun", sa.String(32), nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("version", Name),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor", Name, nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("before", Json),
        sa.Column("after", Json),
        sa.Column("reason", sa.Text),
    )
    op.create_index("ix_audit_name", "audit", ["workspace", "noun", "name", "id"])
    op.create_table(
        "approvals",
        sa.Column("workspace", Name, primary_key=True),
        sa.Column("noun", sa.String(32), primary_key=True),
        sa.Column("name", Name, primary_key=True),
        sa.Column("version", Name, primary_key=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("actor", Name, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "promotion_rules",
        sa.Column("workspace", Name, primary_key=True),
        sa.Column("name", Name, primary_key=True),
        sa.Column("alias", Name, primary_key=True),
        sa.Column("metric", Name, nullable=False),
        sa.Column("goal", sa.String(16), nullable=False),
        sa.Column("min_delta", sa.Float, nullable=False),
        sa.Column("data", sa.Text),
        sa.Column("require_approval", sa.Boolean, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
    )
    for statement in APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)
