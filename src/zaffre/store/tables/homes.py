"""Which home folder a database belongs to. Only one that is not in its home (PostgreSQL) needs to say so."""

from __future__ import annotations

from sqlalchemy import Column, String, Table, Text

from zaffre.store.tables.base import metadata, moment

homes = Table(
    "homes",
    metadata,
    Column("id", String(64), primary_key=True),  # derived from the key of the home; one row
    Column("place", Text, nullable=False),  # host and folder, for people
    moment("since", nullable=False),
)
