"""A named output of a job becomes a version of a data asset or a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from zaffre.base.clock import now_ms
from zaffre.base.errors import Conflict
from zaffre.base.ids import is_number, sequence
from zaffre.services import places
from zaffre.services.context import Context
from zaffre.services.models.inspect import facts_of_model
from zaffre.services.resolve.inputs import MODEL_TYPES
from zaffre.store import assets, audit
from zaffre.store.assets import AssetRecord
from zaffre.store.jobs import JobRecord


@dataclass(frozen=True)
class Registered:
    """A version, and whether it is still to be written; `fixed` when the user chose its number."""

    record: AssetRecord
    is_new: bool
    fixed: bool


def register_output(
    ctx: Context,
    job: JobRecord,
    port: str,
    item: Mapping[str, Any],
    output: Mapping[str, Any],
    pending: Sequence[AssetRecord] = (),
    *,
    again: bool = False,
) -> Registered:
    """The version that an output is; one that exists already with the same content is that version.

    `pending` are versions that are about to be written with others. With `again` the output was made before: it is no
    new version where the latest one is the same. Raises `Conflict` when a fixed version exists
    with other content.
    """
    kind = "model" if output["type"] in MODEL_TYPES else "data"
    name, wanted = str(item["name"]), item.get("version")
    mine = [one for one in pending if (one.workspace, one.kind, one.name) == (job.workspace, kind, name)]
    with ctx.db.read() as connection:
        if wanted is not None:
            found = next((one for one in mine if one.version == str(wanted)), None)
            found = found or assets.find(connection, job.workspace, kind, name, str(wanted))
            if found:
                _same(found, output.get("identity"), port)
                return Registered(found, is_new=False, fixed=True)
            version = str(wanted)
        else:
            last = mine[-1] if mine else assets.latest(connection, job.workspace, kind, name)
            if again and last and last.fingerprint == output.get("identity"):
                return Registered(last, is_new=False, fixed=False)
            version = assets.next_version(connection, job.workspace, kind, name)
            taken = [int(one.version) for one in mine if is_number(one.version)]
            version = str(max([int(version), *(number + 1 for number in taken)]))
    now = now_ms()
    place = places.locate(ctx, job.workspace, output["uri"])
    facts = {"files": output.get("files"), "bytes": output.get("bytes")}
    if kind == "model" and place.local:
        facts |= facts_of_model(place.local)
    record = AssetRecord(
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
    return Registered(record, is_new=True, fixed=wanted is not None)


def write(connection: Connection, found: Registered, output: dict[str, Any]) -> None:
    """In the transaction of the job's completion, before the job is written: `output` names the version then.

    Somebody may have taken the number meanwhile: then the next one. Raises `Conflict` for a fixed one that has other
    content.
    """
    record = found.record
    while True:
        try:
            assets.insert(connection, record)
        except Conflict:
            if found.fixed:
                there = assets.get(connection, record.workspace, record.kind, record.name, record.version)
                return _same(there, record.fingerprint, record.spec["path"].rpartition("/")[2])
            record.version = assets.next_version(connection, record.workspace, record.kind, record.name)
            record.spec["version"] = record.version
            output["asset"] = f"{record.kind}:{record.name}:{record.version}"
        else:
            break
    audit.add(connection, record.workspace, record.kind, record.name, "register", actor=record.created_by or "",
              version=record.version, after={"path": record.spec["path"]})  # fmt: skip
    edge = assets.Edge(int(record.job_id or 0), "output", "", record.kind, f"{record.name}:{record.version}")
    return assets.add_edges(connection, record.workspace, [edge])


def _same(there: AssetRecord, identity: str | None, port: str) -> None:
    if there.fingerprint != identity:
        raise Conflict(
            f"output {port}: {there.kind} {there.name}:{there.version} exists already with other content",
            code="VersionExists",
            hint="leave the version out to get the next one",
        )
