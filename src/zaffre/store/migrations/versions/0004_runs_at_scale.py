"""Search: saved views, parameters as numbers, indexes that a search among many runs walks along."""

import math

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

MANY = 10_000
BigId = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "views",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("workspace", sa.String(length=255), nullable=False),
        sa.Column("page", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("default_for", sa.String(length=400), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_views")),
        sa.UniqueConstraint("workspace", "default_for", name=op.f("uq_views_workspace_default_for")),
    )
    op.create_table(
        "run_keys",
        sa.Column("workspace", sa.String(length=255), nullable=False),
        sa.Column("experiment_id", BigId, autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "experiment_id", "kind", "key", name=op.f("pk_run_keys")),
    )
    op.add_column("jobs", sa.Column("keys_counted", sa.Boolean(), server_default=sa.false(), nullable=False))
    uncounted = sa.and_(sa.column("keys_counted").is_(False), sa.column("archived").is_(False))
    op.create_index("ix_jobs_uncounted", "jobs", ["workspace", "experiment_id", "id"], sqlite_where=uncounted,
                    postgresql_where=uncounted)  # fmt: skip
    op.add_column("params", sa.Column("number", sa.Float(), nullable=True))
    _fill_numbers()
    started, source = sa.text("coalesce(started_at, created_at)"), sa.text("coalesce(reused_from, id)")
    op.create_index("ix_jobs_newest", "jobs", ["workspace", started, "id"])
    op.create_index("ix_jobs_experiment_newest", "jobs", ["experiment_id", started, "id"])
    op.create_index("ix_jobs_source", "jobs", [source, "workspace", "experiment_id", "archived"])
    op.drop_index("ix_metric_latest_key", "metric_latest")
    op.create_index("ix_metric_latest_search", "metric_latest", ["key", "is_nan", "value", "job_id"])
    short, long_ = sa.text("length(value) <= 200"), sa.text("length(value) > 200")
    for table, columns in (("params", ["key", "number", "value", "job_id"]), ("tags", ["key", "value", "job_id"])):
        op.drop_index(f"ix_{table}_key", table)
        op.create_index(f"ix_{table}_search", table, columns, sqlite_where=short, postgresql_where=short)
        op.create_index(f"ix_{table}_long", table, ["key", "job_id"], sqlite_where=long_, postgresql_where=long_)


def _fill_numbers() -> None:
    """As store/params.py does it from now on."""
    connection, after = op.get_bind(), (-1, "")
    some = sa.text(
        "SELECT job_id, key, value FROM params WHERE (job_id, key) > (:job, :key) ORDER BY job_id, key LIMIT :most"
    )
    while rows := connection.execute(some, {"job": after[0], "key": after[1], "most": MANY}).all():
        after = (rows[-1][0], rows[-1][1])
        found = [
            {"j": job, "k": key, "n": number} for job, key, value in rows if (number := _number(value)) is not None
        ]
        if found:
            connection.execute(sa.text("UPDATE params SET number = :n WHERE job_id = :j AND key = :k"), found)


def _number(value: str) -> float | None:
    try:
        number = float(value) if len(value) < 40 and "_" not in value else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None
