"""Endpoints, what they run, and every change of them that can be taken back. Online and batch share the tables."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table, Text

from zaffre.store.tables.base import BigId, Json, Name, metadata, moment

endpoints = Table(
    "endpoints",
    metadata,
    Column("workspace", Name, primary_key=True),
    Column("kind", String(16), primary_key=True),  # online, batch
    Column("name", Name, primary_key=True),
    Column("spec", Json, nullable=False),  # the document; of an online endpoint with its traffic
    Column("secret", LargeBinary),  # encrypted keys
    Column("state", String(16), nullable=False),  # Azure's provisioning states: Creating, Updating, Succeeded ...
    Column("message", Text),  # why it has this state, in words
    Column("revision", Integer, nullable=False, default=1),  # grows with every change
    Column("facts", Json),  # what was found out about it: stopped, where it is served
    moment("created_at", nullable=False),
    moment("changed_at", nullable=False),
    Column("created_by", Name),
)

deployments = Table(
    "deployments",
    metadata,
    Column("workspace", Name, primary_key=True),
    Column("kind", String(16), primary_key=True),  # that of its endpoint
    Column("endpoint", Name, primary_key=True),
    Column("name", Name, primary_key=True),
    Column("spec", Json, nullable=False),  # the document, closed: local files are content references
    Column("plan", Json),  # what is run: addresses instead of names, the environment's key and definition
    Column("state", String(16), nullable=False),
    Column("message", Text),
    Column("revision", Integer, nullable=False, default=1),  # grows when what is run changes
    Column("facts", Json),  # what the running of it showed: workers, schema, environment lock
    moment("created_at", nullable=False),
    moment("changed_at", nullable=False),
    Column("created_by", Name),
)

endpoint_changes = Table(
    "endpoint_changes",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=False),  # base.ids.sequence(): grows with time
    Column("workspace", Name, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("endpoint", Name, nullable=False),
    Column("deployment", Name),  # None: the traffic of the endpoint changed
    Column("verb", String(16), nullable=False),  # traffic, update, rollback
    Column("before", Json),  # traffic, or spec and plan of the deployment, as they were
    Column("after", Json),
    Column("reason", Text),  # of an automatic one: what was seen
    moment("at", nullable=False),
    Column("changed_by", Name),
)
Index(
    "ix_endpoint_changes_endpoint",
    endpoint_changes.c.workspace,
    endpoint_changes.c.kind,
    endpoint_changes.c.endpoint,
    endpoint_changes.c.id,
)
