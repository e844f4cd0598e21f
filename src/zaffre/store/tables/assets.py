"""Versioned assets (data, environments, components, models) and the lineage between them and jobs."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, String, Table, Text, UniqueConstraint, func, text

from zaffre.store.tables.base import BigId, Json, Name, metadata, moment

asset_versions = Table(
    "asset_versions",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=False),
    Column("workspace", Name, nullable=False),
    Column("kind", String(16), nullable=False),  # data, environment, component, model
    Column("name", Name, nullable=False),
    Column("version", Name, nullable=False),
    Column("type", String(32)),  # uri_file, mlflow_model, command ...
    Column("description", Text),
    Column("tags", Json, nullable=False),
    Column("properties", Json, nullable=False),
    Column("spec", Json, nullable=False),  # the document, closed: local files are content references
    Column("uri", Text),  # where its bytes are: content://, azureml://datastores/..., https://...
    Column("fingerprint", Text),  # identity of the bytes when it was registered
    Column("facts", Json),  # files, bytes, rows, columns, flavors: what was found out about it
    Column("archived", Boolean, nullable=False, default=False),
    moment("created_at", nullable=False),
    moment("changed_at", nullable=False),
    Column("created_by", Name),
    Column("job_id", BigId),  # the job that made it
    UniqueConstraint("workspace", "kind", "name", "version"),
)
Index(
    "ix_asset_versions_name",
    asset_versions.c.workspace,
    asset_versions.c.kind,
    asset_versions.c.name,
    asset_versions.c.id,
)
INDEXED = 200  # characters of an address: all of it may be too long for an index of PostgreSQL
PLACE = func.substr(asset_versions.c.uri, text("1"), text(str(INDEXED)))
Index("ix_asset_versions_place", asset_versions.c.workspace, PLACE)

registered_models = Table(
    "registered_models",
    metadata,
    Column("workspace", Name, primary_key=True),
    Column("name", Name, primary_key=True),
    Column("description", Text),
    Column("tags", Json, nullable=False),
    moment("created_at", nullable=False),
    moment("changed_at", nullable=False),
)  # what MLflow says of a name, with or without versions; the versions are asset_versions of kind model

asset_labels = Table(
    "asset_labels",
    metadata,
    Column("workspace", Name, primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("name", Name, primary_key=True),
    Column("label", Name, primary_key=True),  # `latest` is never stored: it is the newest version
    Column("version", Name, nullable=False),
)

lineage = Table(
    "lineage",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=False),
    Column("workspace", Name, nullable=False),
    Column("job_id", BigId, nullable=False),
    Column("direction", String(8), nullable=False),  # input: the job used it; output: the job made it
    Column("port", Name, nullable=False),
    Column("kind", String(16), nullable=False),  # data, model, component, environment, job (an output of one), uri
    Column("ref", Text, nullable=False),  # name:version, job/outputs/port, or the address
)
Index("ix_lineage_job", lineage.c.job_id)
Index("ix_lineage_ref", lineage.c.workspace, lineage.c.kind, lineage.c.ref)
