"""A deployment as the pipeline job that each of its invocations is: what it names is fixed now, data comes later."""

from __future__ import annotations

from typing import Any

from zaffre.base.errors import InvalidRequest, NotFound
from zaffre.services.assets.create import create_version
from zaffre.services.batch_endpoints.model_environment import environment_of_model
from zaffre.services.context import Context
from zaffre.spec.reference import parse_reference
from zaffre.store import assets
from zaffre.store import jobs as job_store
from zaffre.store.assets import AssetRecord
from zaffre.store.endpoints import DeploymentRecord
from zaffre.wire.assets import CreateAsset

STEP, DATA, SCORE = "batchscoring", "data", "score"  # Azure's names of the step and of its output
OUTPUT_FILE = "predictions.csv"
EXAMPLE = "https://example.org/data"  # stands for the data of an invocation
SETTINGS = (
    "mini_batch_size", "max_concurrency_per_instance", "output_action", "output_file_name", "retry_settings",
    "error_threshold", "logging_level", "environment_variables",
)  # fmt: skip


def pipeline_of(ctx: Context, record: DeploymentRecord) -> dict[str, Any]:
    """{job, examples, shown}: the document, inputs to check it with, fields that the view has besides the document.

    Raises `NotFound`, `InvalidRequest`.
    """
    spec = record.spec
    if spec.get("type") != "pipeline":
        return _of_model(ctx, record)
    if spec.get("job_definition"):
        job = _of_job(ctx, record)
    else:
        job = {"type": "pipeline", "component": _pinned_component(ctx, record.workspace, spec["component"])}
    if settings := spec.get("settings"):
        job["settings"] = {**(job.get("settings") or {}), **settings}
    if spec.get("compute"):
        job["compute"] = spec["compute"]
    ports = ports_of(ctx, record.workspace, job)
    given = job.get("inputs") or {}
    examples = {name: _example(port) for name, port in ports.items() if name not in given and _is_needed(port)}
    return {"job": job, "examples": examples}


def ports_of(ctx: Context, workspace: str, job: dict[str, Any]) -> dict[str, Any]:
    """The inputs that a pipeline declares; of a pipeline written in place those that it has."""
    component = job.get("component")
    if isinstance(component, str):
        with ctx.db.read() as connection:
            component = _asset(connection, workspace, "component", component).spec
    return dict((component or job).get("inputs") or {})


def apply(job: dict[str, Any], settings: dict[str, Any], instance_count: int | None) -> None:
    """What an invocation says over the deployment, into the step of a model's pipeline."""
    step, task = job["jobs"][STEP], job["jobs"][STEP]["task"]
    for name in ("mini_batch_size", "max_concurrency_per_instance", "error_threshold", "logging_level"):
        if settings.get(name) is not None:
            step[name] = str(settings[name]) if name == "mini_batch_size" else settings[name]
    for name in ("retry_settings", "environment_variables"):
        if settings.get(name):
            step[name] = {**(step.get(name) or {}), **settings[name]}
    if instance_count is not None:
        step["resources"] = {**(step.get("resources") or {}), "instance_count": instance_count}
    action = settings.get("output_action")
    if action == "summary_only":
        task.pop("append_row_to", None)
    elif action:
        task["append_row_to"] = f"${{{{outputs.{SCORE}}}}}"
    if settings.get("output_file_name"):
        task["program_arguments"] = f"--append_row_file_name {settings['output_file_name']}"


def _of_model(ctx: Context, record: DeploymentRecord) -> dict[str, Any]:
    spec = record.spec
    settings = {
        "output_action": "append_row",
        "output_file_name": OUTPUT_FILE,
        "max_concurrency_per_instance": 1,
        **{name: spec[name] for name in SETTINGS if spec.get(name) is not None},
        **{name: value for name, value in (spec.get("settings") or {}).items() if value is not None},
    }
    code = spec.get("code_configuration")
    if not spec.get("model") and not code:
        raise InvalidRequest(
            f"deployment {record.name} has no model", code="ModelMissing", hint="model: azureml:NAME@latest"
        )
    model = _model(ctx, record) if spec.get("model") else None
    if not code and (model is None or model.type != "mlflow_model"):
        raise InvalidRequest(
            f"deployment {record.name}: only an MLflow model scores without a script",
            code="ScoringScriptMissing",
            hint="give it a code_configuration with code and scoring_script",
        )
    environment = _pinned_environment(ctx, record.workspace, spec.get("environment"))
    if environment is None and model is not None and model.type == "mlflow_model":
        environment = environment_of_model(ctx, model)
    task: dict[str, Any] = {"type": "run_function" if code else "model", "environment": environment}
    if code:
        task |= {"code": code.get("code"), "entry_script": code["scoring_script"]}
    inputs: dict[str, Any] = {DATA: f"${{{{parent.inputs.{DATA}}}}}"}
    if model is not None:
        named = f"azureml:{model.name}:{model.version}"
        inputs["model"] = {"type": model.type or "custom_model", "path": named}
        task["model"] = "${{inputs.model}}"
    step: dict[str, Any] = {
        "type": "parallel",
        "task": task,
        "input_data": f"${{{{inputs.{DATA}}}}}",
        "inputs": {name: {"type": "uri_folder", "path": item} if isinstance(item, str) else item
                   for name, item in inputs.items()},
        "outputs": {SCORE: {"type": "uri_folder", "path": f"${{{{parent.outputs.{SCORE}}}}}"}},
    }  # fmt: skip
    if spec.get("compute"):
        step["compute"] = spec["compute"]
    job = {"type": "pipeline", "jobs": {STEP: step}, "outputs": {SCORE: {"type": "uri_folder"}}}
    apply(job, settings, (spec.get("resources") or {}).get("instance_count"))
    shown = {"settings": settings, **({"model": named} if model is not None else {})}
    return {"job": job, "examples": {DATA: {"type": "uri_folder", "path": EXAMPLE}}, "shown": shown}


def _model(ctx: Context, record: DeploymentRecord) -> AssetRecord:
    """A registered version; a model written in place is registered under its name, or that of the deployment."""
    given = record.spec["model"]
    if isinstance(given, str):
        with ctx.db.read() as connection:
            return _asset(connection, record.workspace, "model", given)
    name = given.get("name") or record.name
    with ctx.db.read() as connection:
        there = assets.latest(connection, record.workspace, "model", name)
    if there is None or there.uri != given.get("path") or given.get("version") not in (None, there.version):
        made = create_version(ctx, "model", CreateAsset(workspace=record.workspace, spec={**given, "name": name}))
        with ctx.db.read() as connection:
            return assets.get(connection, record.workspace, "model", made.name, made.version)
    return there


def _of_job(ctx: Context, record: DeploymentRecord) -> dict[str, Any]:
    """The pipeline of a job that ran."""
    name = str(record.spec["job_definition"]).removeprefix("azureml:").rsplit("/", 1)[-1]
    with ctx.db.read() as connection:
        job = job_store.get(connection, record.workspace, name)
    if job.type != "pipeline" or job.parent_id:
        raise InvalidRequest(f"job {name} is no pipeline job", code="NotAPipeline")
    kept = ("type", "jobs", "component", "inputs", "outputs", "settings", "compute")
    return {key: job.spec[key] for key in kept if job.spec.get(key) is not None}


def _pinned_component(ctx: Context, workspace: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    with ctx.db.read() as connection:
        record = _asset(connection, workspace, "component", value)
    if record.type != "pipeline":
        raise InvalidRequest(f"component {record.name} is of type {record.type}, not pipeline", code="NotAPipeline")
    return f"azureml:{record.name}:{record.version}"


def _pinned_environment(ctx: Context, workspace: str, value: Any) -> Any:
    """One of the workspace is what its label means now; a curated one stays as it is named."""
    if not isinstance(value, str):
        return value
    with ctx.db.read() as connection:
        try:
            record = _asset(connection, workspace, "environment", value)
        except NotFound:
            return value
    return f"azureml:{record.name}:{record.version}"


def _asset(connection: Any, workspace: str, kind: str, text: str) -> AssetRecord:
    """Raises `NotFound`."""
    reference = parse_reference(text, f"{kind}s", bare="asset")
    if reference.kind != "asset":
        raise NotFound(f"{kind} {text} is not here", code=f"{kind.title()}NotFound",
                       hint=f"zaffre {kind} create registers one in the workspace")  # fmt: skip
    return assets.get(connection, workspace, kind, str(reference.name), reference.version, reference.label)


def _is_needed(port: Any) -> bool:
    return isinstance(port, dict) and port.get("default") is None and not port.get("optional")


def _example(port: dict[str, Any]) -> Any:
    if port.get("enum"):
        return port["enum"][0]
    number = port.get("min", port.get("max", 0))
    plain = {"string": "x", "integer": number, "number": number, "boolean": True}
    return plain.get(str(port.get("type")), {"type": port.get("type"), "path": EXAMPLE})
