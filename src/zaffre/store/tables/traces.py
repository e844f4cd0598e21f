"""Traces of applications: what each call was about, its spans, and what people and judges said of it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from zaffre.store.tables.base import BigId, Json, Name, metadata, moment

traces = Table(
    "traces",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=False),
    Column("workspace", Name, nullable=False),
    Column("name", Name, nullable=False),  # MLflow's trace_id, `tr-...`
    Column("experiment_id", BigId, nullable=False),
    Column("state", String(16), nullable=False),  # MLflow's: OK, ERROR, IN_PROGRESS, STATE_UNSPECIFIED
    moment("started_at", nullable=False),
    Column("duration", BigInteger),  # milliseconds; NULL while it runs
    Column("client_id", Text),  # client_request_id
    Column("request", Text),  # previews, cut by the client
    Column("response", Text),
    Column("tags", Json, nullable=False),
    Column("details", Json, nullable=False),  # MLflow's trace_metadata
    UniqueConstraint("workspace", "name"),
)
Index("ix_traces_experiment", traces.c.experiment_id, traces.c.started_at, traces.c.id)

trace_spans = Table(
    "trace_spans",
    metadata,
    Column("trace_id", BigId, ForeignKey("traces.id", ondelete="CASCADE"), primary_key=True),
    Column("span", String(16), primary_key=True),  # hexadecimal
    Column("parent", String(16)),
    Column("name", Text, nullable=False),
    Column("type", Text),
    Column("status", String(8), nullable=False),  # OK, ERROR, UNSET
    Column("started_ns", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),  # services/traces/otlp.py knows the form
)

trace_runs = Table(
    "trace_runs",
    metadata,
    Column("trace_id", BigId, ForeignKey("traces.id", ondelete="CASCADE"), primary_key=True),
    Column("run", Name, primary_key=True),
)
Index("ix_trace_runs_run", trace_runs.c.run)

trace_assessments = Table(
    "trace_assessments",
    metadata,
    Column("trace_id", BigId, ForeignKey("traces.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Name, primary_key=True),  # MLflow's assessment_id, `a-...`
    Column("kind", String(16), nullable=False),  # feedback, expectation
    Column("title", Name, nullable=False),  # what users call its name
    Column("value", Text),  # to compare with
    Column("number", Float),
    Column("body", Json, nullable=False),
    moment("created_at", nullable=False),
)
