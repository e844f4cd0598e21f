"""From the document of a deployment to its plan: addresses instead of names, the environment closed, numbers set.

`run` of the plan is what is run: another one is another revision. `scale` is how many, and how requests are held.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from zaffre.base.errors import InvalidRequest
from zaffre.core.manifest import wrong_path
from zaffre.core.memory import megabytes
from zaffre.services import places
from zaffre.services.models.inspect import facts_of_model, facts_of_stored_model
from zaffre.services.places import CONTENT
from zaffre.services.resolve.container import container_of
from zaffre.services.resolve.environment import environment_of
from zaffre.services.resolve.inputs import address
from zaffre.services.resolve.scope import Scope
from zaffre.spec.foreign import foreign

TIMEOUT_MS = 60_000  # Azure ML: 5 s; a request is not cut off sooner than the user asked for
QUEUE = 1000  # requests that wait at most, for each worker
BATCH = 64
PROBE_S, PROBE_FAILURES, INIT_S = 10, 30, 600
TEXT_BYTES = 1 << 20
MOST_INSTANCES = 64
COLLECTED = "azureml://datastores/workspaceblobstore/paths/modelDataCollector/{}/{}"


def plan_of(scope: Scope, spec: Mapping[str, Any]) -> dict[str, Any]:
    """Raises `InvalidRequest` and `NotFound` naming what is missing."""
    what = f"deployment {spec['name']}"
    model = _model(scope, spec)
    code = _code(spec, what)
    container = container_of(scope, spec, model)
    if not container and spec.get("egress_public_network_access"):
        scope.note("egress_public_network_access: accepted, has no meaning outside of a container")
    kind = "container" if container and container["routes"] else "script" if code else _kind(model, what)
    environment = spec.get("environment")
    if environment is None and kind != "script":
        environment = _own_environment(scope, model or {}, kind, what)
    key, variables = (None, {}) if container else environment_of(scope, environment, what)
    run = {
        "kind": kind,
        "model": {name: model[name] for name in ("uri", "asset", "identity", "name") if model.get(name)}
        if model
        else None,
        **(code or {}),
        "environment": key,
        "definition": scope.environments[key] if key else None,
        "variables": {**variables, **(spec.get("environment_variables") or {})},
        "memory_mb": _memory(spec),
        "concurrency": (spec.get("request_settings") or {}).get("max_concurrent_requests_per_instance") or 1,
        "batch": BATCH,
        "init_s": _init_seconds(spec, "startup_probe", "readiness_probe", *(() if container else ("liveness_probe",))),
        "collect": None if container else _collect(spec),
        **({"container": container} if container else {}),
    }
    return {"run": run, "scale": _scale(spec, what), "notes": list(scope.notes)}


def _model(scope: Scope, spec: Mapping[str, Any]) -> dict[str, Any] | None:
    """Where the model is, what it is called below AZUREML_MODEL_DIR, and what is known of it."""
    given = spec.get("model")
    if given is None:
        return None
    text = given if isinstance(given, str) else str(given.get("path"))
    type_ = "custom_model" if isinstance(given, str) else given.get("type") or "custom_model"
    plan: dict[str, Any] = dict(address(scope, text, type_))
    facts: Mapping[str, Any] = {}
    if str(plan.get("asset", "")).startswith("model:"):
        name, _, version = str(plan["asset"]).removeprefix("model:").rpartition(":")
        record = scope.asset("model", _reference(name, version))
        type_, facts = str(record.type), record.facts or {}
        plan.setdefault("tail", name)
    uri = str(plan["uri"])
    last = PurePosixPath(uri.rstrip("/")).name
    name = plan.get("tail", "model") if CONTENT.fullmatch(uri) and not CONTENT.fullmatch(uri)["path"] else last  # type: ignore[index]
    if not facts:
        facts = _facts(scope, uri)
    mlflow = type_ == "mlflow_model" or bool(facts.get("flavors") and not facts.get("format"))
    return {**plan, "name": name, "type": type_, "mlflow": mlflow, "onnx": not mlflow and _has_onnx(scope, uri)}


def _reference(name: str, version: str) -> Any:
    from zaffre.spec.reference import parse_reference

    return parse_reference(f"azureml:{name}:{version}", "models")


def _facts(scope: Scope, uri: str) -> dict[str, Any]:
    files = places.listing(scope.ctx, scope.workspace, uri)
    if files is None:
        return {}
    if CONTENT.fullmatch(uri):
        return facts_of_stored_model(files, scope.ctx.content.open)
    return facts_of_model(places.local_path(scope.ctx, scope.workspace, uri, []))


def _has_onnx(scope: Scope, uri: str) -> bool:
    if uri.endswith(".onnx"):
        return True
    files = places.listing(scope.ctx, scope.workspace, uri)
    return files is not None and any(entry.path.endswith(".onnx") for entry in files.entries)


def _code(spec: Mapping[str, Any], what: str) -> dict[str, str] | None:
    given = spec.get("code_configuration")
    if not given:
        return None
    script = str(given["scoring_script"]).removeprefix("./")
    if reason := wrong_path(script):
        raise InvalidRequest(f"{what}: the path of the scoring script {script!r} {reason}", code="InvalidPath")
    found = CONTENT.fullmatch(str(given.get("code") or ""))
    if not found or found["path"]:
        raise InvalidRequest(
            f"{what}: the folder of the scoring code was not uploaded",
            code="NotUploaded",
            hint="code_configuration.code: ./folder",
        )
    return {"code": found["root"], "script": script}


def _kind(model: Mapping[str, Any] | None, what: str) -> str:
    if model is not None and model["mlflow"]:
        return "mlflow"
    if model is not None and model["onnx"]:
        return "onnx"
    raise InvalidRequest(
        f"{what} has no scoring script, and its model is neither MLflow nor ONNX",
        code="ScoringScriptMissing",
        hint="code_configuration: {code: ./src, scoring_script: score.py}",
    )


def _own_environment(scope: Scope, model: Mapping[str, Any], kind: str, what: str) -> dict[str, Any]:
    """What a model needs that comes without an environment: its own conda file or requirements."""
    if kind == "onnx":
        return {"requirements": ["onnxruntime", "numpy"]}
    conda = _text(scope, str(model["uri"]), "conda.yaml")
    if conda is not None and (content := foreign(conda.encode())):
        return {"conda_file": content}
    requirements = _text(scope, str(model["uri"]), "requirements.txt")
    if requirements is not None:
        lines = [line.strip() for line in requirements.splitlines() if line.strip() and not line.startswith("#")]
        return {"requirements": lines}
    raise InvalidRequest(
        f"{what}: the MLflow model says nothing of its packages",
        code="EnvironmentMissing",
        hint="environment: {conda_file: ./conda.yaml}",
    )


def _text(scope: Scope, uri: str, name: str) -> str | None:
    """A small text of the model's folder, or of the one folder in it. Nothing of the model is run."""
    files = places.listing(scope.ctx, scope.workspace, uri)
    if files is not None and CONTENT.fullmatch(uri):
        found = [e for e in files.entries if e.path.rpartition("/")[2] == name and e.path.count("/") <= 1]
        if not found or min(e.size for e in found) > TEXT_BYTES:
            return None
        with scope.ctx.content.open(min(found, key=lambda e: e.path.count("/")).hash) as file:
            return file.read().decode("utf-8", "replace")
    folder = places.local_path(scope.ctx, scope.workspace, uri, [])
    for path in (folder / name, *sorted(folder.glob(f"*/{name}"))):
        if path.is_file() and path.stat().st_size <= TEXT_BYTES:
            return path.read_text(encoding="utf-8", errors="replace")
    return None


def _scale(spec: Mapping[str, Any], what: str) -> dict[str, Any]:
    requests = spec.get("request_settings") or {}
    scale = spec.get("scale_settings") or {}
    count = int(spec.get("instance_count", 1))
    follows = scale.get("type") == "target_utilization"
    low = int(scale.get("min_instances", min(count, 1))) if follows else count
    high = int(scale.get("max_instances", max(count, 1))) if follows else count
    if high < low or high > MOST_INSTANCES:
        raise InvalidRequest(
            f"{what}: {low} to {high} instances are not possible",
            code="InstancesOutOfRange",
            hint=f"at most {MOST_INSTANCES} on this machine",
        )
    timeout = requests.get("request_timeout_ms") or TIMEOUT_MS
    wait = requests.get("max_queue_wait_ms")
    return {
        "min": low,
        "max": high,
        "target": (scale.get("target_utilization_percentage") or 70) / 100,
        "idle_s": int(scale.get("polling_interval") or 30) * 10,
        "timeout_ms": timeout,
        "queue_wait_ms": timeout if wait is None else wait,
        "queue": QUEUE * max(high, 1),
    }


def _memory(spec: Mapping[str, Any]) -> float | None:
    """What a worker may take, in MB: `resources.limits.memory`, as Kubernetes writes it."""
    limits = ((spec.get("resources") or {}).get("limits")) or {}
    return megabytes(limits["memory"], "resources.limits.memory") if limits.get("memory") else None


def _init_seconds(spec: Mapping[str, Any], *probes: str) -> float:
    """How long `init` may take: what the first of these probes that is given allows."""
    probe = next((spec[name] for name in probes if spec.get(name)), None)
    if not probe:
        return INIT_S
    period, failures = probe.get("period") or PROBE_S, probe.get("failure_threshold") or PROBE_FAILURES
    return float((probe.get("initial_delay") or 0) + period * failures)


def _collect(spec: Mapping[str, Any]) -> dict[str, Any] | None:
    """The data collector: where to, and which collections."""
    given = spec.get("data_collector")
    if not given:
        return None
    rate = given.get("sampling_rate")
    collections = {
        name: {"rate": item.get("sampling_rate", rate)}
        for name, item in given["collections"].items()
        if item.get("enabled", True)
    }
    if not collections:
        return None
    uri = given.get("destination") or COLLECTED.format(spec["endpoint_name"], spec["name"])
    return {"uri": uri, "collections": collections, "rolling_rate": given.get("rolling_rate") or "hour"}
