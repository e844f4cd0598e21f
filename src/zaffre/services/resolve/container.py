"""Whether a deployment runs in a container, and in which one: the image, its routes, and where the model is mounted.

It does where its environment says how a container of its own answers (`inference_config`) and no virtual environment
can stand for it, and wherever the property `zaffre.container` of the deployment says `true`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any

from zaffre.base.errors import InvalidRequest, NotFound
from zaffre.core.container import environment_file, image_name
from zaffre.core.environment.image import read_image
from zaffre.core.manifest import wrong_path
from zaffre.services.places import CONTENT
from zaffre.services.resolve.environment import definition_of
from zaffre.services.resolve.scope import Scope
from zaffre.spec.reference import parse_reference

PROPERTY = "zaffre.container"
MODELS = "/var/azureml-app/azureml-models"  # where Azure ML mounts them
SYSTEM = ("/proc", "/sys", "/dev", "/run/zaffre", "/opt/zaffre")
DELAY_S, PERIOD_S, TIMEOUT_S, FAILURES = 10, 10, 2, 30  # of a liveness probe, as in Azure ML
ROUTE = re.compile(r"/[!-~]*", re.ASCII)
CPUS = re.compile(r"(\d+(?:\.\d+)?)(m?)")


def container_of(scope: Scope, spec: Mapping[str, Any], model: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """None: it runs in a virtual environment. Raises `InvalidRequest` where it cannot run at all."""
    what = f"deployment {spec['name']}"
    environment = _environment(scope, spec.get("environment"))
    routes, wish = environment.get("inference_config"), _wish(spec, what)
    if wish is False or (wish is None and not routes):
        return None
    engine = scope.ctx.containers
    missing = engine.missing() if engine is not None else "this server has no container engine"
    if wish is None and _is_python(spec) and (missing or _stands_for(scope, spec, environment)):
        return None
    if missing:
        raise InvalidRequest(
            f"{what} runs in a container, and {missing}",
            code="ContainerEngineMissing",
            hint="without one: a scoring script, and an environment of Python packages",
        )
    variables = {str(key): str(value) for key, value in (spec.get("environment_variables") or {}).items()}
    environment_file(variables)
    if spec.get("data_collector"):
        scope.note("data_collector: what a container answers is not collected")
    return {
        **_image(environment, what),
        "routes": _routes(routes, what) if routes else None,
        "probes": {
            "readiness": _probe(spec.get("readiness_probe"), delay=0),
            "liveness": _probe(spec.get("liveness_probe"), delay=DELAY_S),
        },
        "models": _place_of_model(spec, model, what),
        "network": spec.get("egress_public_network_access") == "enabled",
        "cpus": _cpus(spec),
    }


def _environment(scope: Scope, value: Any) -> Mapping[str, Any]:
    """The document of an environment; of a curated one there is none."""
    if not isinstance(value, str):
        return value or {}
    reference = parse_reference(value, "environments", bare="asset")
    try:
        return scope.asset("environment", reference).spec if reference.kind == "asset" else {}
    except NotFound:
        return {}


def _wish(spec: Mapping[str, Any], what: str) -> bool | None:
    given = (spec.get("properties") or {}).get(PROPERTY)
    if given is None:
        return None
    text = str(given).lower()
    if text not in ("true", "false"):
        raise InvalidRequest(f"{what}: the property {PROPERTY} is true or false, not `{given}`", code="InvalidRequest")
    return text == "true"


def _is_python(spec: Mapping[str, Any]) -> bool:
    return str((spec.get("code_configuration") or {}).get("scoring_script", "")).endswith(".py")


def _stands_for(scope: Scope, spec: Mapping[str, Any], environment: Mapping[str, Any]) -> bool:
    """Whether the image is no more than Python and packages: then the script runs without it, and sooner."""
    if environment.get("image") and not environment.get("conda_file"):
        return read_image(environment["image"])[1]
    try:
        scope.ctx.environments.plan(definition_of(scope, spec.get("environment")))
    except InvalidRequest:
        return False
    return True


def _image(environment: Mapping[str, Any], what: str) -> dict[str, Any]:
    if environment.get("conda_file") or environment.get("requirements"):
        raise InvalidRequest(
            f"{what}: nothing is installed into the image of a container",
            code="ImageMissing",
            hint="environment: {build: {path: ./folder}}, with a Dockerfile that installs the packages",
        )
    build = environment.get("build")
    if build:
        found = CONTENT.fullmatch(str(build["path"]))
        if not found:
            raise InvalidRequest(f"build context {build['path']} was not uploaded", code="BuildContextMissing")
        name = posixpath.normpath(build.get("dockerfile_path") or "Dockerfile")
        if reason := wrong_path(name):
            raise InvalidRequest(f"{what}: dockerfile_path {name!r} {reason}", code="InvalidPath")
        return {"image": None, "build": {"root": found["root"], "dockerfile": name, "args": build.get("args") or {}}}
    if not environment.get("image"):
        raise InvalidRequest(
            f"{what} runs in a container, and its environment names no image",
            code="ImageMissing",
            hint="environment: {image: NAME}, or {build: {path: ./folder}}",
        )
    return {"image": image_name(environment["image"]).text, "build": None}


def _routes(given: Mapping[str, Any], what: str) -> dict[str, Any]:
    found = {}
    for name in ("scoring", "readiness", "liveness"):
        route = given[f"{name}_route"]
        if not ROUTE.fullmatch(route["path"]) or not 0 < route["port"] < 1 << 16:
            raise InvalidRequest(
                f"{what}: inference_config.{name}_route is no path and port: {route['path'][:80]!r}, {route['port']}",
                code="InvalidRoute",
            )
        found[name] = {"path": route["path"], "port": route["port"]}
    return found


def _probe(given: Mapping[str, Any] | None, delay: int) -> dict[str, int]:
    probe = given or {}
    wanted = probe.get("initial_delay")
    return {
        "delay": delay if wanted is None else wanted,
        "period": probe.get("period") or PERIOD_S,
        "timeout": probe.get("timeout") or TIMEOUT_S,
        "failures": probe.get("failure_threshold") or FAILURES,
    }


def _place_of_model(spec: Mapping[str, Any], model: Mapping[str, Any] | None, what: str) -> str:
    """The folder that AZUREML_MODEL_DIR names in the container: below the mount path by name and version."""
    root = str(spec.get("model_mount_path") or MODELS)
    plain = posixpath.normpath(root)
    if not plain.startswith("/") or plain.strip("/") == "" or plain.startswith(SYSTEM) or "\0" in root:
        raise InvalidRequest(f"{what}: model_mount_path {root!r} is no folder for models", code="InvalidPath")
    name, version = "model", "1"
    if str((model or {}).get("asset", "")).startswith("model:"):
        name, _, version = str((model or {})["asset"]).removeprefix("model:").rpartition(":")
    elif isinstance(spec.get("model"), Mapping):
        name, version = spec["model"].get("name") or name, spec["model"].get("version") or version
    return f"{plain}/{name}/{version}"


def _cpus(spec: Mapping[str, Any]) -> float | None:
    """`resources.limits.cpu`, as Kubernetes writes it."""
    given = ((spec.get("resources") or {}).get("limits") or {}).get("cpu")
    if given is None:
        return None
    found = CPUS.fullmatch(str(given).strip())
    if not found or not float(found[1]):
        raise InvalidRequest(f"resources.limits.cpu: `{given}` is no number of cores", hint="such as 0.5 or 500m")
    return float(found[1]) / (1000 if found[2] else 1)
