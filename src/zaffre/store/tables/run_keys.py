"""How many runs logged each metric, parameter and tag: counted when a run has become quiet."""

from __future__ import annotations

from sqlalchemy import Column, Integer, String, Table

from zaffre.store.tables.base import BigId, Name, metadata

run_keys = Table(
    "run_keys",
    metadata,
    Column("workspace", Name, primary_key=True),
    Column("experiment_id", BigId, primary_key=True, autoincrement=False),
    Column("kind", String(8), primary_key=True),  # metrics, params, tags
    Column("key", Name, primary_key=True),
    Column("runs", Integer, nullable=False),  # of those jobs that are `keys_counted`
)
