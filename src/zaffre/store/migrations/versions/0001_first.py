"""The first schema."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

BigId = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Json = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "asset_labels",
        sa.Column("workspace", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("label", sa.String(length=255), nullable=False),
        sa.Column("version", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "kind", "name", "label", name=op.f("pk_asset_labels")),
    )
    op.create_table(
        "asset_versions",
        sa.Column("id", BigId, autoincrement=False, nullable=False),
        sa.Column("workspace", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("version", sa.String(length=255), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("tags", Json, nullable=False),
        sa.Column("properties", Json, nullable=False),
        sa.Column("spec", Json, nullable=False),
        sa.Column("uri", sa.Text(), nullable=True),
        sa.Column("fingerprint", sa.Text(), nullable=True),
        sa.Column("facts", Json, nullable=True),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=True),
        sa.Column("job_id", BigId, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset_versions")),
        sa.UniqueConstraint(
            "workspace", "kind", "name", "version", name=op.f("uq_asset_versions_workspace_kind_name_version")
        ),
    )
    op.create_index("ix_asset_versions_name", "asset_versions", ["workspace", "kind", "name", "id"], unique=False)
    op.create_table(
        "datasets",
        sa.Column("id", BigId, autoincrement=False, nullable=False),
        sa.Column("experiment_id", BigId, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("source_type", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("schema", sa.Text(), nullable=True),
        sa.Column("profile", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_datasets")),
        sa.UniqueConstraint("experiment_id", "name", "digest", name=op.f("uq_datasets_experiment_id_name_digest")),
    )
    op.create_table(
        "experiments",
        sa.Column("id", BigId, autoincrement=False, nullable=False),
        sa.Column("workspace", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("tags", Json, nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_experiments")),
        sa.UniqueConstraint("workspace", "name", name=op.f("uq_experiments_workspace_name")),
    )
    op.create_table(
        "jobs",
        sa.Column("id", BigId, autoincrement=False, nullable=False),
        sa.Column("workspace", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("parent_id", BigId, nullable=True),
        sa.Column("root_id", BigId, nullable=False),
        sa.Column("node", sa.String(length=255), nullable=True),
        sa.Column("display_name", sa.Text(), nullable=True),
        sa.Column("experiment_id", BigId, nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("compute", sa.String(length=255), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("spec", Json, nullable=False),
        sa.Column("plan", Json, nullable=True),
        sa.Column("outputs", Json, nullable=True),
        sa.Column("facts", Json, nullable=True),
        sa.Column("error", Json, nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("handle", Json, nullable=True),
        sa.Column("not_before", sa.BigInteger(), nullable=True),
        sa.Column("cancel", sa.Boolean(), nullable=False),
        sa.Column("reuse_key", sa.String(length=64), nullable=True),
        sa.Column("reuse_parts", Json, nullable=True),
        sa.Column("reused_from", BigId, nullable=True),
        sa.Column("saved_s", sa.Float(), nullable=True),
        sa.Column("lease_owner", sa.String(length=64), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("workspace", "name", name=op.f("uq_jobs_workspace_name")),
    )
    op.create_index("ix_jobs_experiment", "jobs", ["experiment_id", "id"], unique=False)
    op.create_index("ix_jobs_parent", "jobs", ["parent_id"], unique=False)
    op.create_index(
        "ix_jobs_reuse",
        "jobs",
        ["workspace", "reuse_key"],
        unique=False,
        sqlite_where=sa.text("reuse_key IS NOT NULL"),
        postgresql_where=sa.text("reuse_key IS NOT NULL"),
    )
    op.create_index("ix_jobs_root_status", "jobs", ["root_id", "status"], unique=False)
    op.create_index(
        "ix_jobs_status",
        "jobs",
        ["status"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index("ix_jobs_workspace_created", "jobs", ["workspace", "parent_id", "id"], unique=False)
    op.create_table(
        "lineage",
        sa.Column("id", BigId, autoincrement=False, nullable=False),
        sa.Column("workspace", sa.String(length=255), nullable=False),
        sa.Column("job_id", BigId, nullable=False),
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.Column("port", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lineage")),
    )
    op.create_index("ix_lineage_job", "lineage", ["job_id"], unique=False)
    op.create_index("ix_lineage_ref", "lineage", ["workspace", "kind", "ref"], unique=False)
    op.create_table(
        "logged_models",
        sa.Column("id", BigId, autoincrement=False, nullable=False),
        sa.Column("workspace", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("experiment_id", BigId, nullable=False),
        sa.Column("job_id", BigId, nullable=True),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("tags", Json, nullable=False),
        sa.Column("params", Json, nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_logged_models")),
        sa.UniqueConstraint("workspace", "name", name=op.f("uq_logged_models_workspace_name")),
        sa.UniqueConstraint("workspace", "path", name=op.f("uq_logged_models_workspace_path")),
    )
    op.create_index("ix_logged_models_experiment", "logged_models", ["experiment_id", "id"], unique=False)
    op.create_index("ix_logged_models_job", "logged_models", ["job_id"], unique=False)
    op.create_table(
        "registered_models",
        sa.Column("workspace", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("tags", Json, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "name", name=op.f("pk_registered_models")),
    )
    op.create_table(
        "requests",
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_requests")),
    )
    op.create_index("ix_requests_created", "requests", ["created_at"], unique=False)
    op.create_table(
        "resources",
        sa.Column("workspace", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("spec", Json, nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "kind", "name", name=op.f("pk_resources")),
    )
    op.create_table(
        "texts",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_texts")),
    )
    op.create_table(
        "workspaces",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("spec", Json, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_workspaces")),
    )
    op.create_table(
        "dataset_uses",
        sa.Column("job_id", BigId, nullable=False),
        sa.Column("dataset_id", BigId, nullable=False),
        sa.Column("tags", Json, nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], name=op.f("fk_dataset_uses_dataset_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_dataset_uses_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "dataset_id", name=op.f("pk_dataset_uses")),
    )
    op.create_index("ix_dataset_uses_dataset", "dataset_uses", ["dataset_id"], unique=False)
    op.create_table(
        "job_events",
        sa.Column("id", BigId, autoincrement=False, nullable=False),
        sa.Column("job_id", BigId, nullable=False),
        sa.Column("root_id", BigId, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_job_events_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_events")),
    )
    op.create_index("ix_job_events_job", "job_events", ["job_id", "id"], unique=False)
    op.create_index("ix_job_events_root", "job_events", ["root_id", "id"], unique=False)
    op.create_table(
        "metric_chunks",
        sa.Column("id", BigId, autoincrement=False, nullable=False),
        sa.Column("job_id", BigId, nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("points", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_metric_chunks_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_metric_chunks")),
    )
    op.create_index("ix_metric_chunks_series", "metric_chunks", ["job_id", "key", "id"], unique=False)
    op.create_table(
        "metric_latest",
        sa.Column("job_id", BigId, nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("is_nan", sa.Boolean(), nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("timestamp", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_metric_latest_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "key", name=op.f("pk_metric_latest")),
    )
    op.create_index("ix_metric_latest_key", "metric_latest", ["key", "value"], unique=False)
    op.create_table(
        "model_metrics",
        sa.Column("model_id", BigId, nullable=False),
        sa.Column("job_id", BigId, nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("dataset_name", sa.String(length=255), nullable=False),
        sa.Column("dataset_digest", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("is_nan", sa.Boolean(), nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("timestamp", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_model_metrics_job_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["model_id"], ["logged_models.id"], name=op.f("fk_model_metrics_model_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(
            "model_id", "job_id", "key", "dataset_name", "dataset_digest", name=op.f("pk_model_metrics")
        ),
    )
    op.create_table(
        "model_uses",
        sa.Column("job_id", BigId, nullable=False),
        sa.Column("model_id", BigId, nullable=False),
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_model_uses_job_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["model_id"], ["logged_models.id"], name=op.f("fk_model_uses_model_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "model_id", "direction", "step", name=op.f("pk_model_uses")),
    )
    op.create_table(
        "params",
        sa.Column("job_id", BigId, nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_params_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "key", name=op.f("pk_params")),
    )
    op.create_index("ix_params_key", "params", ["key"], unique=False)
    op.create_table(
        "tags",
        sa.Column("job_id", BigId, nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_tags_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "key", name=op.f("pk_tags")),
    )
    op.create_index("ix_tags_key", "tags", ["key"], unique=False)
