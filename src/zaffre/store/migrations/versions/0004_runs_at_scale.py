"""Search: saved views, parameters as numbers."""

import math

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

MANY = 10_000


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
    op.add_column("params", sa.Column("number", sa.Float(), nullable=True))
    _fill_numbers()


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
