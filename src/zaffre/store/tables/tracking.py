"""What a run logs: parameters, tags, metrics. Metrics are packed chunks, appended; the latest values are rows."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)

from zaffre.store.tables.base import BigId, Json, Name, metadata, moment

INDEXED = text("200")  # longer values are too long for an index of PostgreSQL; they are few

params = Table(
    "params",
    metadata,
    Column("job_id", BigId, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("key", Name, primary_key=True),
    Column("value", Text, nullable=False),
    Column("number", Float),  # the value, where it is a finite number: to compare and to sort by
)
_short, _long = func.length(params.c.value) <= INDEXED, func.length(params.c.value) > INDEXED
Index("ix_params_search", params.c.key, params.c.number, params.c.value, params.c.job_id, sqlite_where=_short,
      postgresql_where=_short)  # fmt: skip
Index("ix_params_text", params.c.key, params.c.value, params.c.job_id, sqlite_where=_short, postgresql_where=_short)
Index("ix_params_long", params.c.key, params.c.job_id, sqlite_where=_long, postgresql_where=_long)

tags = Table(
    "tags",
    metadata,
    Column("job_id", BigId, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("key", Name, primary_key=True),
    Column("value", Text, nullable=False),
)
_short, _long = func.length(tags.c.value) <= INDEXED, func.length(tags.c.value) > INDEXED
Index("ix_tags_search", tags.c.key, tags.c.value, tags.c.job_id, sqlite_where=_short, postgresql_where=_short)
Index("ix_tags_long", tags.c.key, tags.c.job_id, sqlite_where=_long, postgresql_where=_long)

metric_latest = Table(
    "metric_latest",
    metadata,
    Column("job_id", BigId, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("key", Name, primary_key=True),
    Column("value", Float, nullable=False),  # NaN is stored as 0 with is_nan: databases disagree about NaN
    Column("is_nan", Boolean, nullable=False, default=False),
    Column("step", BigInteger, nullable=False),
    moment("timestamp", nullable=False),
    Column("points", BigInteger, nullable=False),  # as sent: a repeated request counts twice until it is compacted
)
Index("ix_metric_latest_search", metric_latest.c.key, metric_latest.c.is_nan, metric_latest.c.value,
      metric_latest.c.job_id)  # fmt: skip

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

datasets = Table(
    "datasets",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=False),
    Column("experiment_id", BigId, nullable=False),
    Column("name", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("source_type", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("schema", Text),
    Column("profile", Text),
    UniqueConstraint("experiment_id", "name", "digest"),
)

dataset_uses = Table(
    "dataset_uses",
    metadata,
    Column("job_id", BigId, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("dataset_id", BigId, ForeignKey("datasets.id", ondelete="CASCADE"), primary_key=True),
    Column("tags", Json, nullable=False),  # `mlflow.data.context`: training, evaluation ...
)
Index("ix_dataset_uses_dataset", dataset_uses.c.dataset_id)

logged_models = Table(
    "logged_models",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=False),
    Column("workspace", Name, nullable=False),
    Column("name", Name, nullable=False),  # MLflow's model_id, `m-...`; what users call its name is the title
    Column("title", Text, nullable=False),
    Column("experiment_id", BigId, nullable=False),
    Column("job_id", BigId),  # the run that made it
    Column("type", Text),
    Column("status", String(32), nullable=False),  # MLflow's: PENDING, READY, UPLOAD_FAILED
    Column("path", Text, nullable=False),  # of its files, below the artifacts of the workspace
    Column("tags", Json, nullable=False),
    Column("params", Json, nullable=False),
    Column("deleted", Boolean, nullable=False, default=False),
    moment("created_at", nullable=False),
    moment("changed_at", nullable=False),
    UniqueConstraint("workspace", "name"),
    UniqueConstraint("workspace", "path"),
)
Index("ix_logged_models_experiment", logged_models.c.experiment_id, logged_models.c.id)
Index("ix_logged_models_job", logged_models.c.job_id)

model_uses = Table(
    "model_uses",
    metadata,
    Column("job_id", BigId, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("model_id", BigId, ForeignKey("logged_models.id", ondelete="CASCADE"), primary_key=True),
    Column("direction", String(8), primary_key=True),  # input, output
    Column("step", BigInteger, primary_key=True),
)

model_metrics = Table(
    "model_metrics",
    metadata,
    Column("model_id", BigId, ForeignKey("logged_models.id", ondelete="CASCADE"), primary_key=True),
    Column("job_id", BigId, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("key", Name, primary_key=True),
    Column("dataset_name", Name, primary_key=True),  # "" when the point names no dataset
    Column("dataset_digest", String(64), primary_key=True),
    Column("value", Float, nullable=False),
    Column("is_nan", Boolean, nullable=False, default=False),
    Column("step", BigInteger, nullable=False),
    moment("timestamp", nullable=False),
)
