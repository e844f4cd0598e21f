"""Convert a version to ONNX: a job in the environment of the model, with the converters beside it.

The server opens none of the files. The job compares both models on rows that are stored, and registers the result, with
its report, only if they agree.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zaffre.base.errors import InvalidRequest
from zaffre.ports.content import Entry
from zaffre.runtime import export_onnx
from zaffre.services import places
from zaffre.services.assets.show import find
from zaffre.services.audit.record import record as remember
from zaffre.services.context import Context
from zaffre.services.data import source
from zaffre.services.jobs.submit import submit
from zaffre.services.models import environment
from zaffre.services.models.pickles import refuse_unless_allowed
from zaffre.store import jobs as job_store
from zaffre.store.assets import AssetRecord
from zaffre.store.jobs import JobRecord
from zaffre.wire.jobs import JobView, SubmitJob
from zaffre.wire.models import ExportModel

TABLES = (".csv", ".parquet", ".json", ".jsonl", ".npy")
HELD_OUT = ("test", "eval", "valid", "held")  # in the name of an input: rows that the model has not seen
EXPERIMENT = "Model exports"


def export(ctx: Context, request: ExportModel) -> JobView:
    """The job, submitted. Raises `NotFound`, or `InvalidRequest` for what cannot be exported, or needs consent."""
    with ctx.db.read() as connection:
        record = find(connection, "model", request)
        maker = job_store.by_ids(connection, [record.job_id]).get(record.job_id) if record.job_id else None
    ref = f"{record.name}:{record.version}"
    flavors = (record.facts or {}).get("flavors") or {}
    if "onnx" in flavors and "sklearn" not in flavors:
        raise InvalidRequest(f"model {ref} is ONNX already", code="ExportedAlready", hint=f"zaffre model show {ref}")
    refuse_unless_allowed(ctx, record, request.allow_pickle)
    if request.environment:
        chosen = environment.inline(ctx, request.workspace, request.environment)
    else:
        chosen = environment.of_model(ctx, record, maker)
    inputs: dict[str, Any] = {"model": {"type": record.type or "custom_model", "path": f"azureml:{ref}"}}
    words = ["python -m export_onnx --model ${{inputs.model}} --output ${{outputs.model}}",
             "--report ${{outputs.report}}", f"--source {shlex.quote(ref)}",
             f"--rtol {request.rtol:g} --atol {request.atol:g}"]  # fmt: skip
    if request.opset is not None:
        words.append(f"--opset {request.opset}")
    if request.sample:
        inputs["sample"] = {"type": "uri_folder", "path": request.sample}
        words.append("--sample ${{inputs.sample}}")
    elif data := _run_data(ctx, maker):
        inputs["run_data"] = data
        words.append("--run-data ${{inputs.run_data}}")
    spec = {
        "type": "command",
        "display_name": f"export {ref} to onnx",
        "command": " ".join(words),
        "code": f"content://{program(ctx)}",
        "environment": environment.with_converters(chosen, _libraries(record, chosen)),
        "inputs": inputs,
        "outputs": {
            "model": {"type": "mlflow_model", "name": request.to_name or f"{record.name}-onnx"},
            "report": {"type": "uri_file"},
        },
        "tags": {"zaffre.export": ref},
    }
    job = submit(ctx, SubmitJob(workspace=request.workspace, spec=spec, experiment_name=EXPERIMENT))
    with ctx.db.write() as connection:
        remember(ctx, connection, record.workspace, "model", record.name, "export", version=record.version,
                 after={"to": request.to, "job": job.name})  # fmt: skip
    return job


def program(ctx: Context) -> str:
    """The root of a tree with the program: a package that `python -m` finds."""
    added = ctx.content.add(Path(export_onnx.__path__[0]), ignore_files=False).manifest
    kept = [entry for entry in added.entries if entry.path.endswith(".py")]
    entries = [Entry(f"export_onnx/{entry.path}", entry.size, entry.hash, entry.executable) for entry in kept]
    return ctx.content.put_manifest(entries).root


def _libraries(record: AssetRecord, chosen: Mapping[str, Any]) -> str:
    """Words in which the libraries of the model are named: its flavors and its packages."""
    return f"{sorted((record.facts or {}).get('flavors') or ())} {chosen}".lower()


def _run_data(ctx: Context, maker: JobRecord | None) -> dict[str, Any] | None:
    """A table on this machine that the run read, rather one that it did not learn from; unchanged since."""
    inputs: Mapping[str, Mapping[str, Any]] = ((maker.plan if maker else None) or {}).get("inputs") or {}
    ports = sorted(inputs, key=lambda port: not any(word in port.lower() for word in HELD_OUT))
    for port in ports:
        item = inputs[port]
        uri = item.get("uri")
        if maker is None or not uri or item.get("type") not in ("uri_file", "uri_folder") or not uri.endswith(TABLES):
            continue
        if uri.startswith("content://"):
            return {"type": item["type"], "path": uri}
        local = places.locate(ctx, maker.workspace, uri).local
        identity = item.get("identity")
        if local and local.exists() and (not identity or not source.changes(ctx, maker.workspace, uri, identity)):
            return {"type": item["type"], "path": uri}
    return None
