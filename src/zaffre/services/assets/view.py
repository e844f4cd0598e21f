"""What a version of an asset looks like to those who ask."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from zaffre.base.clock import iso
from zaffre.store import assets
from zaffre.store import jobs as job_store
from zaffre.store.assets import AssetRecord
from zaffre.wire.assets import AssetView

OWN = ("name", "version", "type", "description", "tags", "properties", "path")
PATH_KINDS = ("data", "model")


def views(connection: Connection, records: Sequence[AssetRecord]) -> list[AssetView]:
    names = job_store.names_of(connection, {record.job_id for record in records if record.job_id})
    return [view(record, names.get(record.job_id or 0), assets.labels_of(connection, record)) for record in records]


def view(record: AssetRecord, job: str | None, labels: list[str]) -> AssetView:
    document = {key: value for key, value in record.spec.items() if key not in OWN}
    if record.kind == "model" and record.properties.get("stage"):
        document["stage"] = record.properties["stage"]
    return AssetView(
        **document,
        name=record.name,
        version=record.version,
        type=record.type,
        description=record.description,
        path=record.uri if record.kind in PATH_KINDS else None,
        tags=record.tags,
        properties=record.properties,
        labels=labels,
        archived=record.archived,
        created_at=iso(record.created_at),
        creation_context={"created_at": iso(record.created_at), "created_by": record.created_by},
        job_name=job,
        **{key: value for key, value in (record.facts or {}).items() if value is not None and key not in document},
    )
