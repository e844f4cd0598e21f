"""Traces."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"

BigId = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Json = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "traces",
        sa.Column("id", BigId, autoincrement=False, nullable=False),
        sa.Column("workspace", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("experiment_id", BigId, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("duration", sa.BigInteger(), nullable=True),
        sa.Column("client_id", sa.Text(), nullable=True),
        sa.Column("request", sa.Text(), nullable=True),
        sa.Column("response", sa.Text(), nullable=True),
        sa.Column("tags", Json, nullable=False),
        sa.Column("details", Json, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_traces")),
        sa.UniqueConstraint("workspace", "name", name=op.f("uq_traces_workspace_name")),
    )
    op.create_index("ix_traces_experiment", "traces", ["experiment_id", "started_at", "id"], unique=False)
    op.create_table(
        "trace_spans",
        _trace("trace_spans"),
        sa.Column("span", sa.String(length=16), nullable=False),
        sa.Column("parent", sa.String(length=16), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("started_ns", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("trace_id", "span", name=op.f("pk_trace_spans")),
    )
    op.create_table(
        "trace_runs",
        _trace("trace_runs"),
        sa.Column("run", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("trace_id", "run", name=op.f("pk_trace_runs")),
    )
    op.create_index("ix_trace_runs_run", "trace_runs", ["run"], unique=False)
    op.create_table(
        "trace_assessments",
        _trace("trace_assessments"),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("number", sa.Float(), nullable=True),
        sa.Column("body", Json, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("trace_id", "name", name=op.f("pk_trace_assessments")),
    )


def _trace(table: str) -> "sa.Column[int]":
    target = sa.ForeignKey("traces.id", name=op.f(f"fk_{table}_trace_id"), ondelete="CASCADE")
    return sa.Column("trace_id", BigId, target, nullable=False)
