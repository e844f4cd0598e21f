"""Indexes to walk along: parameters in the order of their text, and asset versions by where they are kept."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    short = sa.text("length(value) <= 200")
    op.create_index("ix_params_text", "params", ["key", "value", "job_id"], sqlite_where=short, postgresql_where=short)
    op.create_index("ix_asset_versions_place", "asset_versions", ["workspace", sa.text("substr(uri, 1, 200)")])
