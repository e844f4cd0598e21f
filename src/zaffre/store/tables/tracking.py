"""What a run logs: parameters, tags, metrics. Metrics are packed chunks, appended; the latest values are rows."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKey, Index, Integer, LargeBinary, Table, Text

from zaffre.store.tables.base import BigId, Name, metadata, moment

params = Table(
    "params",
    metadata,
    Column("job_id", BigId, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("key", Name, primary_key=True),
    Column("value", Text, nullable=False),
)
Index("ix_params_key", params.c.key)

tags = Table(
    "tags",
    metadata,
    Column("job_id", BigId, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("key", Name, primary_key=True),
    Column("value", Text, nullable=False),
)
Index("ix_tags_key", tags.c.key)

metric_latest = Table(
    "metric_latest",
    metadata,
    Column("job_id", BigId, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("key", Name, primary_key=True),
    Column("value", Float, nullable=False),  # NaN is stored as 0 with is_nan: databases disagree about NaN
    Column("is_nan", Boolean, nullable=False, default=False),
    Column("step", BigInteger, nullable=False),
    moment("timestamp", nullable=False),
    Column("points", BigInteger, nullable=False),
)
Index("ix_metric_latest_key", metric_latest.c.key, metric_latest.c.value)

metric_chunks = Table(
    "metric_chunks",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=False),
    Column("job_id", BigId, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("key", Name, nullable=False),
    Column("count", Integer, nullable=False),
    Column("points", LargeBinary, nullable=False),  # store/metrics.py knows the form
)
Index("ix_metric_chunks_series", metric_chunks.c.job_id, metric_chunks.c.key, metric_chunks.c.id)
