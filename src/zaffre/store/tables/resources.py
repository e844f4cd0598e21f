"""Workspaces and what each of them has once: datastores, computes, experiments."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, LargeBinary, String, Table, Text, UniqueConstraint

from zaffre.store.tables.base import BigId, Json, Name, metadata, moment

workspaces = Table(
    "workspaces",
    metadata,
    Column("name", Name, primary_key=True),
    Column("spec", Json, nullable=False),
    moment("created_at", nullable=False),
    moment("changed_at", nullable=False),
)

resources = Table(
    "resources",
    metadata,
    Column("workspace", Name, primary_key=True),
    Column("kind", String(16), primary_key=True),  # datastore, compute
    Column("name", Name, primary_key=True),
    Column("spec", Json, nullable=False),  # without secrets
    Column("secret", LargeBinary),  # encrypted credentials
    moment("created_at", nullable=False),
    moment("changed_at", nullable=False),
)

experiments = Table(
    "experiments",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=False),
    Column("workspace", Name, nullable=False),
    Column("name", Name, nullable=False),
    Column("description", Text),
    Column("tags", Json, nullable=False),
    Column("deleted", Boolean, nullable=False, default=False),
    moment("created_at", nullable=False),
    moment("changed_at", nullable=False),
    UniqueConstraint("workspace", "name"),
)

requests = Table(
    "requests",
    metadata,
    Column("key", Name, primary_key=True),  # the Idempotency-Key, with who sent it
    Column("digest", String(64), nullable=False),  # BLAKE3 of operation and request: a key stands for one request
    Column("answer", Text),  # JSON; empty while the request is under way
    moment("created_at", nullable=False),
)
Index("ix_requests_created", requests.c.created_at)
