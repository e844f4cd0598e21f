"""Files of a known format become a version of a model. What runs a program when it is opened goes to a job, by consent.

Formats are told by content (core/model_format.py), read as data. A pickle is opened only in a job, in an environment of
its own, after somebody said so; who said it stays with the version.
"""

from __future__ import annotations

import shlex
from typing import Any

from zaffre.base.errors import InvalidRequest
from zaffre.core.model_format import FORMATS, Found
from zaffre.services.assets.create import create_version
from zaffre.services.audit.record import record as remember
from zaffre.services.context import Context
from zaffre.services.jobs.submit import submit
from zaffre.services.models import environment
from zaffre.services.models.export import program
from zaffre.services.models.pickles import CONSENT, not_allowed
from zaffre.services.models.recognise import recognise_at
from zaffre.wire.assets import CreateAsset
from zaffre.wire.jobs import JobView, SubmitJob
from zaffre.wire.models import ImportModel, ImportView

EXPERIMENT = "Model imports"
NEEDS_JOB = ("sklearn", "pytorch")  # what a pickle of these holds is known only once it is opened


def import_files(ctx: Context, request: ImportModel) -> ImportView:
    """Raises `InvalidRequest` for an unknown format, one that is not the expected one, or pickles without consent."""
    if request.format not in ("auto", *FORMATS):
        raise InvalidRequest(
            f"there is no format {request.format[:50]}", code="ModelFormatUnknown", hint=f"auto, {', '.join(FORMATS)}"
        )
    found = recognise_at(ctx, request.workspace, request.path)
    if found is None:
        raise InvalidRequest(
            f"the files for model {request.name} are of no format that is known here",
            code="ModelFormatUnknown",
            hint=f"known are {', '.join(FORMATS)}; anything else: zaffre model create --type custom_model --path PATH",
        )
    if request.format not in ("auto", found.format):
        raise InvalidRequest(
            f"these are files of format {found.format}, not {request.format}",
            code="ModelFormatUnexpected",
            hint=f"--format {found.format}, or leave it out",
        )
    if found.pickles and not request.allow_pickle:
        raise not_allowed(f"model {request.name}", found)
    if found.pickles and found.format in NEEDS_JOB:
        return ImportView(format=found.format, notes=found.notes, job=_adopt(ctx, request, found))
    return ImportView(
        format=found.format, notes=found.notes, model=create_version(ctx, "model", _asset(ctx, request, found))
    )


def _asset(ctx: Context, request: ImportModel, found: Found) -> CreateAsset:
    spec: dict[str, Any] = {
        "name": request.name,
        "path": request.path,
        "type": "mlflow_model" if found.format == "mlflow" else "custom_model",
        "tags": request.tags,
    }
    if request.description:
        spec["description"] = request.description
    if found.pickles:
        spec["properties"] = {CONSENT: f"allowed by {ctx.principal.name}"}
    return CreateAsset(workspace=request.workspace, spec=spec)


def _adopt(ctx: Context, request: ImportModel, found: Found) -> JobView:
    """A job opens the pickle and writes an MLflow folder, which is registered."""
    if not request.environment:
        raise InvalidRequest(
            f"a {found.format} pickle is opened in an environment that has its packages: which?",
            code="ModelEnvironmentUnknown",
            hint="--environment azureml:NAME@latest, or --environment env.yml",
        )
    chosen = environment.inline(ctx, request.workspace, request.environment)
    spec = {
        "type": "command",
        "display_name": f"import {request.name}",
        "command": "python -m export_onnx.adopt --model ${{inputs.model}} --output ${{outputs.model}} "
        f"--file {shlex.quote(found.pickles[0])}",
        "code": f"content://{program(ctx)}",
        "environment": {**chosen, "requirements": [*chosen["requirements"], "pyyaml"]},
        "inputs": {"model": {"type": "uri_folder", "path": request.path}},
        "outputs": {"model": {"type": "mlflow_model", "name": request.name}},
        "tags": {"zaffre.import": request.name},
    }
    job = submit(ctx, SubmitJob(workspace=request.workspace, spec=spec, experiment_name=EXPERIMENT))
    with ctx.db.write() as connection:
        remember(ctx, connection, request.workspace, "model", request.name, "allow-pickle",
                 after={"files": found.pickles[:20], "job": job.name})  # fmt: skip
    return job
