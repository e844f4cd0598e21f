"""What a version of an asset looks like to those who ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from zaffre.base.clock import iso
from zaffre.store import assets
from zaffre.store import jobs as job_store
from zaffre.store.assets import AssetRecord
from zaffre.wire.assets import AssetView

OWN = ("name", "version", "type", "description", "tags", "properties", "path")
PATH_KINDS = ("data", "model")
STAGE = "mlflow.stage"  # the tag that shows the stage of a model, which is kept as a property


def views(connection: Connection, records: Sequence[AssetRecord]) -> list[AssetView]:
    names = job_store.names_of(connection, {record.job_id for record in records if record.job_id})
    return [view(record, names.get(record.job_id or 0), assets.labels_of(connection, record)) for record in records]


def tags_of(record: AssetRecord) -> dict[str, Any]:
    """As they are shown: the stage in which MLflow put a model is one of them."""
    stage = record.properties.get("stage") if record.kind == "model" else None
    return {**record.tags, STAGE: stage} if stage and stage != "None" else record.tags


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
        tags=tags_of(record),
        properties=record.properties,
        labels=labels,
        archived=record.archived,
        created_at=iso(record.created_at),
        creation_context={"created_at": iso(record.created_at), "created_by": record.created_by},
        job_name=job,
        **{key: value for key, value in (record.facts or {}).items() if value is not None and key not in document},
    )
