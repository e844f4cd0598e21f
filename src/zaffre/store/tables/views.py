"""Saved views of the Studio."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Integer, String, Table, Text, UniqueConstraint

from zaffre.store.tables.base import Name, metadata, moment

views = Table(
    "views",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("workspace", Name, nullable=False),
    Column("page", String(100), nullable=False),
    Column("name", String(200), nullable=False),
    Column("query", Text, nullable=False),  # of the address: filter, columns, order, charts
    Column("owner", Name, nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("default_for", String(400)),  # page and audience, when the page opens with it: one for each
    Column("version", Integer, nullable=False),  # counts the changes
    moment("created_at", nullable=False),
    moment("changed_at", nullable=False),
    UniqueConstraint("workspace", "default_for"),
)
