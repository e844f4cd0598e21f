"""A named output of a job becomes a version of a data asset or a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from zaffre.base.clock import now_ms
from zaffre.base.errors import Conflict
from zaffre.base.ids import sequence
from zaffre.services import places
from zaffre.services.context import Context
from zaffre.services.models.inspect import facts_of_model
from zaffre.services.resolve.inputs import MODEL_TYPES
from zaffre.store import assets
from zaffre.store.assets import AssetRecord
from zaffre.store.jobs import JobRecord


def register_output(
    ctx: Context, job: JobRecord, port: str, item: Mapping[str, Any], output: Mapping[str, Any]
) -> AssetRecord | None:
    """The version to write with the job's completion; None if it exists already with the same content.

    Raises `Conflict` when it exists with other content.
    """
    kind = "model" if output["type"] in MODEL_TYPES else "data"
    name, wanted = str(item["name"]), item.get("version")
    with ctx.db.read() as connection:
        if wanted is not None and (there := assets.find(connection, job.workspace, kind, name, str(wanted))):
            if there.fingerprint == output.get("identity"):
                return None
            raise Conflict(
                f"output {port}: {kind} {name}:{wanted} exists already with other content",
                code="VersionExists",
                hint="leave the version out to get the next one",
            )
        version = str(wanted) if wanted is not None else assets.next_version(connection, job.workspace, kind, name)
    now = now_ms()
    place = places.locate(ctx, job.workspace, output["uri"])
    facts = {"files": output.get("files"), "bytes": output.get("bytes")}
    if kind == "model" and place.local:
        facts |= facts_of_model(place.local)
    return AssetRecord(
        id=sequence(),
        workspace=job.workspace,
        kind=kind,
        name=name,
        version=version,
        type=output["type"],
        spec={
            "name": name,
            "version": version,
            "type": output["type"],
            "path": f"azureml://jobs/{job.name}/outputs/{port}",
        },
        uri=output["uri"],
        fingerprint=output.get("identity"),
        facts=facts,
        created_at=now,
        changed_at=now,
        created_by=job.created_by,
        job_id=job.id,
    )


def write(connection: Connection, record: AssetRecord) -> None:
    """In the transaction of the job's completion. Somebody may have taken the number meanwhile: then the next one."""
    while True:
        try:
            assets.insert(connection, record)
        except Conflict:
            record.version = assets.next_version(connection, record.workspace, record.kind, record.name)
            record.spec["version"] = record.version
        else:
            break
    edge = assets.Edge(int(record.job_id or 0), "output", "", record.kind, f"{record.name}:{record.version}")
    assets.add_edges(connection, record.workspace, [edge])
