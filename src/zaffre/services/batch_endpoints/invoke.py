"""Invoke a batch endpoint: the pipeline of a deployment, with the data of this call, becomes a job."""

from __future__ import annotations

import copy
from typing import Any

from zaffre.base.errors import InvalidRequest
from zaffre.services.batch_endpoints.endpoint import KIND
from zaffre.services.batch_endpoints.pipeline import DATA, SCORE, apply, ports_of
from zaffre.services.context import Context
from zaffre.services.jobs.show import list_jobs
from zaffre.services.jobs.submit import submit
from zaffre.spec.document import dump, parse
from zaffre.store import endpoints as store
from zaffre.store.endpoints import DeploymentRecord
from zaffre.wire.batch import InvokeEndpoint, ListInvocations
from zaffre.wire.jobs import JobList, JobView, ListJobs, SubmitJob

ENDPOINT_TAG, DEPLOYMENT_TAG = "azureml.endpointname", "azureml.deploymentname"
LITERALS = ("string", "integer", "number", "boolean")


def invoke(ctx: Context, request: InvokeEndpoint) -> JobView:
    """Raises `NotFound`, `InvalidRequest` for inputs that the deployment does not have."""
    record = _deployment(ctx, request)
    plan = record.plan or {}
    job: dict[str, Any] = copy.deepcopy(plan["job"])
    is_model = record.spec.get("type") != "pipeline"
    if is_model:
        settings = _settings(record, request)
        apply(job, settings, request.settings.get("instance_count"))
    elif request.settings:
        raise InvalidRequest(
            f"deployment {record.name} is a pipeline: {', '.join(request.settings)} cannot be changed",
            code="NoSuchSetting",
        )
    job["inputs"] = {**(job.get("inputs") or {}), **_inputs(ctx, record, job, request)}
    if outputs := _outputs(job, request, is_model):
        job["outputs"] = {**(job.get("outputs") or {}), **outputs}
    job |= {
        "display_name": f"{record.endpoint}-{record.name}",
        "experiment_name": request.experiment_name or record.endpoint,
        "tags": {ENDPOINT_TAG: record.endpoint, DEPLOYMENT_TAG: f"{record.endpoint}/{record.name}"},
    }
    if request.job_name:
        job["name"] = request.job_name
    return submit(ctx, SubmitJob(workspace=request.workspace, spec=job))


def list_invocations(ctx: Context, request: ListInvocations) -> JobList:
    """Newest first. Raises `NotFound`."""
    with ctx.db.read() as connection:
        store.get(connection, request.workspace, KIND, request.name)
        if request.deployment_name:
            store.get_deployment(connection, request.workspace, KIND, request.name, request.deployment_name)
    tag = (
        f"{DEPLOYMENT_TAG}={request.name}/{request.deployment_name}"
        if request.deployment_name
        else f"{ENDPOINT_TAG}={request.name}"
    )
    return list_jobs(
        ctx,
        ListJobs(workspace=request.workspace, tag=tag, max_results=request.max_results, cursor=request.cursor),
    )


def _deployment(ctx: Context, request: InvokeEndpoint) -> DeploymentRecord:
    """The one that is named, else the default, else the only one."""
    with ctx.db.read() as connection:
        endpoint = store.get(connection, request.workspace, KIND, request.name)
        name = request.deployment_name or (endpoint.spec.get("defaults") or {}).get("deployment_name")
        if name is None:
            there = store.deployments_of(connection, KIND, request.workspace, request.name)
            if len(there) != 1:
                names = ", ".join(item.name for item in there) or "none"
                raise InvalidRequest(
                    f"batch endpoint {request.name} has no default deployment (it has: {names})",
                    code="NoDefaultDeployment",
                    hint=f"--deployment-name, or zaffre batch-endpoint update --name {request.name}"
                    " --set defaults.deployment_name=NAME",
                )
            return there[0]
        return store.get_deployment(connection, request.workspace, KIND, request.name, name)


def _settings(record: DeploymentRecord, request: InvokeEndpoint) -> dict[str, Any]:
    """What the call says, read as the settings of a deployment are."""
    given = {key: value for key, value in request.settings.items() if key != "instance_count"}
    spec = {"name": record.name, "endpoint_name": record.endpoint, "type": "model", "settings": given}
    found: dict[str, Any] = dump(parse(spec, kind="batch-deployment").spec).get("settings") or {}
    count = request.settings.get("instance_count")
    if count is not None and not (isinstance(count, int) and count >= 1):
        raise InvalidRequest(f"instance_count: {count} is no number of instances", code="CountNotKnown")
    return found


def _inputs(ctx: Context, record: DeploymentRecord, job: dict[str, Any], request: InvokeEndpoint) -> dict[str, Any]:
    ports = {DATA: {"type": "uri_folder"}} if _is_model(record) else ports_of(ctx, request.workspace, job)
    given = dict(request.inputs)
    if _is_model(record) and len(given) == 1 and not request.input and DATA not in given:
        given = {DATA: next(iter(given.values()))}  # a model has one input, whatever it is called
    if request.input is not None:
        data = [name for name, port in ports.items() if _type(port) not in LITERALS]
        if len(data) != 1:
            raise InvalidRequest(
                f"deployment {record.name} has {len(data)} inputs of data: which one is it?",
                code="InputNotKnown",
                hint="--inputs NAME=PATH for each of them",
            )
        given[data[0]] = request.input
    if unknown := [name for name in given if name not in ports]:
        raise InvalidRequest(
            f"deployment {record.name} has no input {unknown[0]} (it has: {', '.join(ports) or 'none'})",
            code="InputNotKnown",
        )
    if _is_model(record) and DATA not in given:
        raise InvalidRequest("what is to be scored?", code="InputMissing", hint="--input PATH, or azureml:NAME@latest")
    return {name: _value(ports[name], value) for name, value in given.items()}


def _is_model(record: DeploymentRecord) -> bool:
    return record.spec.get("type") != "pipeline"


def _type(port: Any) -> str:
    if isinstance(port, dict):
        return str(port.get("type") or "uri_folder")
    return "string"


def _value(port: Any, value: Any) -> Any:
    """A mapping as it is; `default` of a literal (as a file of inputs has it) is its value; a text may be a path."""
    if isinstance(value, dict):
        if value.get("type") in LITERALS:
            return value.get("default", value.get("value"))
        return {"type": _type(port), **{key: item for key, item in value.items() if key in ("type", "path", "mode")}}
    if _type(port) in LITERALS:
        return value
    return {"type": _type(port), "path": str(value)}


def _outputs(job: dict[str, Any], request: InvokeEndpoint, is_model: bool) -> dict[str, Any]:
    given = dict(request.outputs)
    if request.output_path:
        there = [SCORE] if is_model else list(job.get("outputs") or {})
        if len(there) != 1:
            raise InvalidRequest("which output goes there?", code="OutputNotKnown", hint="--outputs.NAME.path ADDRESS")
        given[there[0]] = {"path": request.output_path}
    return {
        name: {"type": "uri_folder", **(value if isinstance(value, dict) else {"path": str(value)})}
        for name, value in given.items()
    }
