"""What jobs measured about a version: a metric, on data that the job read or that the run named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from zaffre.core.job_state import Status
from zaffre.core.promotion import HeldOut, Measured
from zaffre.spec.reference import parse_reference
from zaffre.store import assets, datasets, logged_models, metrics
from zaffre.store import jobs as job_store
from zaffre.store.assets import AssetRecord
from zaffre.store.jobs import JobRecord

KIND, MODEL_ID, CONTEXT = "model", "mlflow.model_id", "mlflow.data.context"
TRAINING = ("train", "training")


def measured(connection: Connection, record: AssetRecord, metric: str) -> list[Measured]:
    """Of completed jobs, in the order of the jobs: of the one that made the version, and of those that read it."""
    refs = _refs(connection, record)
    jobs = _jobs(connection, record, refs)
    values = metrics.latest(connection, [job.reused_from or job.id for job in jobs])
    used = datasets.of(connection, [job.reused_from or job.id for job in jobs])
    found: list[Measured] = []
    for job in jobs:
        source = job.reused_from or job.id
        value = next((point.value for point in values.get(source, []) if point.key == metric), None)
        if value is None:
            continue
        places = _data(connection, job, refs)
        for use in used.get(source, []):
            if str(use.tags.get(CONTEXT, "")).lower() not in TRAINING:
                places.append(HeldOut(f"{use.name}:{use.digest}", f"mlflow:{use.digest}"))
        found += [Measured(value, place, job.name) for place in dict.fromkeys(places)]
    return found + _of_logged_model(connection, record, metric)


def _refs(connection: Connection, record: AssetRecord) -> set[tuple[str, str]]:
    """How the lineage may name the files of this version: itself, the output that it is, and equal outputs beside."""
    refs = {(KIND, f"{record.name}:{record.version}")}
    for text in (record.spec.get("path"), record.properties.get("mlflow.source")):
        reference = parse_reference(str(text)) if str(text or "").startswith("azureml://jobs/") else None
        if reference and reference.kind == "job_output" and not reference.path:
            refs.add(("job", f"{reference.job}/{reference.output}"))
    if record.job_id and record.fingerprint:
        maker = job_store.by_ids(connection, [record.job_id]).get(record.job_id)
        for name, outputs in job_store.outputs_of_tree(connection, maker.root_id) if maker else ():
            equal = [port for port, item in outputs.items() if item.get("identity") == record.fingerprint]
            refs |= {("job", f"{name}/{port}") for port in equal}
    return refs


def _jobs(connection: Connection, record: AssetRecord, refs: set[tuple[str, str]]) -> list[JobRecord]:
    ids = {record.job_id} if record.job_id else set()
    for kind, ref in refs:
        since = record.id if kind == KIND else 0  # a former version of this number was another one
        ids |= {edge.job_id for edge, _, _ in assets.edges_at(connection, record.workspace, kind, ref, since)
                if edge.direction == "input"}  # fmt: skip
    found = job_store.by_ids(connection, sorted(ids))
    return [job for _, job in sorted(found.items()) if job.status is Status.COMPLETED and not job.archived]


def _data(connection: Connection, job: JobRecord, models: set[tuple[str, str]]) -> list[HeldOut]:
    """The data that a job read, each with what identifies its content, as far as that is known."""
    inputs: Mapping[str, Mapping[str, Any]] = (job.plan or {}).get("inputs") or {}
    found = []
    for edge in assets.edges_of_job(connection, job.id):
        if edge.direction != "input" or edge.kind not in ("data", "uri", "job") or (edge.kind, edge.ref) in models:
            continue
        identity = inputs.get(edge.port, {}).get("identity")
        if edge.kind == "data":
            name, _, version = edge.ref.rpartition(":")
            there = assets.find(connection, job.workspace, "data", name, version)
            identity = identity or (there.fingerprint if there else None)
        found.append(HeldOut(edge.ref, identity or (f"job:{edge.ref}" if edge.kind == "job" else None)))
    return found


def _of_logged_model(connection: Connection, record: AssetRecord, metric: str) -> list[Measured]:
    """What MLflow's clients logged for the model itself, with the data set they named."""
    model_id = record.properties.get(MODEL_ID)
    if not model_id:
        return []
    model = logged_models.get(connection, record.workspace, model_id, allow_deleted=True)
    values: Sequence[logged_models.ModelValue] = logged_models.values_of(connection, [model.id]).get(model.id, [])
    ordered = sorted((value for value in values if value.key == metric), key=lambda value: value.timestamp)
    return [
        Measured(value.value, HeldOut(f"{value.dataset_name}:{value.dataset_digest}", f"mlflow:{value.dataset_digest}"),
                 value.run)
        for value in ordered if value.dataset_name
    ]  # fmt: skip
