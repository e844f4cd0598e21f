"""From a document to a plan: steps, graphs, with every reference resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zaffre.base.errors import InvalidRequest
from zaffre.base.limits import NESTED_PIPELINES, PIPELINE_STEPS
from zaffre.core.distribution import arrange, is_distributed, number
from zaffre.core.memory import megabytes
from zaffre.core.plan import GraphPlan, InputPlan, StepPlan
from zaffre.services.places import CONTENT
from zaffre.services.resolve import inputs, parallel
from zaffre.services.resolve.environment import environment_of
from zaffre.services.resolve.scope import Scope

RUNS_HERE = ("command", "parallel", "pipeline")
LATER = {"sweep", "spark", "automl", "import", "data_transfer", "finetuning", "distillation"}


@dataclass(frozen=True)
class Around:
    """What stands around a node: its name in messages, and what the pipeline above it gives."""

    step: str
    depth: int = 0
    compute: str | None = None  # the default
    inputs: Mapping[str, InputPlan] = field(default_factory=dict)
    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def resolve(scope: Scope, spec: Mapping[str, Any]) -> dict[str, Any]:
    """The plan of a job. Raises `InvalidRequest`, `NotFound` naming the step and what is wrong with it."""
    plan: dict[str, Any] = dict(_node(scope, spec, Around("job"))[0])
    if plan["kind"] != "pipeline":
        plan["compute"] = plan.get("compute") or "local"
    plan["environments"] = scope.environments
    if sum(1 for _ in _steps(plan)) > PIPELINE_STEPS:
        raise InvalidRequest(f"a pipeline may have {PIPELINE_STEPS} steps", code="TooManySteps")
    return plan


def _steps(plan: Mapping[str, Any]) -> Any:
    for node in plan.get("nodes", {}).values():
        yield node
        yield from _steps(node)


def _node(scope: Scope, node: Mapping[str, Any], around: Around) -> tuple[Mapping[str, Any], dict[str, str]]:
    """(plan of a node, its outputs that are the parent's)."""
    component, source = _component(scope, node)
    kind = str((component or {}).get("type") or node.get("type") or "command")
    if kind not in RUNS_HERE:
        raise InvalidRequest(
            f"{around.step}: jobs of type {kind} are read and checked by this release, but not run",
            code="JobTypeNotOffered",
            hint="this release runs command, parallel and pipeline jobs" if kind in LATER else None,
        )
    if kind == "pipeline":
        return _graph(scope, node, component, source, around)
    if kind == "parallel":
        return _parallel(scope, node, component, source, around)
    return _step(scope, node, component, source, around)


def _component(scope: Scope, node: Mapping[str, Any]) -> tuple[dict[str, Any] | None, str | None]:
    value = node.get("component")
    if value is None:
        return None, None
    if isinstance(value, str):
        return scope.component(value)
    return value, f"{value['name']}:{value.get('version', '')}".rstrip(":") if value.get("name") else None


def _step(
    scope: Scope, node: Mapping[str, Any], component: Mapping[str, Any] | None, source: str | None, around: Around
) -> tuple[StepPlan, dict[str, str]]:
    step, base = around.step, component or node
    given = node.get("inputs") or {}
    resources = {**(base.get("resources") or {}), **(node.get("resources") or {})}
    retry = node.get("retry_settings") or base.get("retry_settings") or {}
    limits = node.get("limits") or base.get("limits") or {}
    made, bound = inputs.outputs((component or {}).get("outputs") or {}, node.get("outputs") or {}, around.outputs)
    for port, item in made.items():
        scope.place(item.get("path"), f"{step}: output {port}")
    compute = node.get("compute")
    environment, its_variables = environment_of(scope, node.get("environment") or base.get("environment"), step)
    plan: StepPlan = {
        "kind": "command",
        "command": str(base["command"]),
        "environment": environment,
        "code": _tree(scope, base.get("code"), step),
        "inputs": _inputs(scope, component, given, step, around.inputs),
        "outputs": made,
        "compute": scope.compute(compute if isinstance(compute, str) else around.compute),
        "deterministic": bool(base.get("is_deterministic", True)),
    }
    if variables := {**(base.get("environment_variables") or {}), **(node.get("environment_variables") or {})}:
        plan["variables"] = {key: str(value) for key, value in variables.items()}
    if its_variables:
        plan["environment_variables"] = dict(its_variables)
    if distribution := node.get("distribution") or base.get("distribution"):
        plan["distribution"] = distribution
    if resources.get("instance_count", 1) != 1:
        plan["instances"] = number(resources["instance_count"], f"{step}: resources.instance_count")
    if resources.get("cpu") is not None:
        plan["cpu"] = float(resources["cpu"])
    if resources.get("gpu") is not None:
        plan["gpu"] = float(resources["gpu"])
    if resources.get("memory") is not None:
        plan["memory_mb"] = megabytes(resources["memory"], f"{step}: resources.memory")
    if limits.get("timeout") is not None:
        plan["timeout_s"] = float(limits["timeout"])
    if retry.get("max_retries"):
        plan["max_retries"] = int(retry["max_retries"])
        plan["backoff_s"] = float(retry.get("backoff") or 1.0)
    if source:
        plan["source"] = source
    if is_distributed(plan):
        arrange(plan)  # raises `InvalidRequest` for what could not run
    return plan, bound


def _parallel(
    scope: Scope, node: Mapping[str, Any], component: Mapping[str, Any] | None, source: str | None, around: Around
) -> tuple[StepPlan, dict[str, str]]:
    """A command step whose command is the driver of mini-batches."""
    said = parallel.merged(node, component)
    if component is not None:
        component = parallel.as_command(said, component, around.step)
        node = {key: value for key, value in node.items() if key != "retry_settings"}
    else:
        node = parallel.as_command(said, node, around.step)
    plan, bound = _step(scope, node, component, source, around)
    parallel.complete(scope, plan, said, around.step)
    return plan, bound


def _inputs(
    scope: Scope,
    component: Mapping[str, Any] | None,
    given: Mapping[str, Any],
    step: str,
    known: Mapping[str, InputPlan],
) -> dict[str, InputPlan]:
    if component is None:
        return inputs.free(scope, given, step)
    return inputs.declared(scope, component.get("inputs") or {}, given, step, known)


def _tree(scope: Scope, code: Any, step: str) -> str | None:
    if not code:
        return None
    found = CONTENT.fullmatch(str(code))
    if found:
        scope.ctx.content.manifest(found["root"])  # raises NotFound
        return found["root"]
    raise InvalidRequest(f"{step}: code {code} was not uploaded", code="NotUploaded")


def _graph(
    scope: Scope, node: Mapping[str, Any], component: Mapping[str, Any] | None, source: str | None, around: Around
) -> tuple[GraphPlan, dict[str, str]]:
    step = around.step
    if around.depth > NESTED_PIPELINES:
        raise InvalidRequest(
            f"{step}: pipelines nested deeper than {NESTED_PIPELINES}: does one contain itself?", code="PipelineTooDeep"
        )
    base = component or node
    settings = {**(base.get("settings") or {}), **(node.get("settings") or {})}
    given = node.get("inputs") or {}
    outer, bound = inputs.outputs((component or {}).get("outputs") or {}, node.get("outputs") or {}, around.outputs)
    plan: GraphPlan = {
        "kind": "pipeline",
        "nodes": {},
        "inputs": _inputs(scope, component, given, step, around.inputs),
        "outputs": {name: dict(item) for name, item in outer.items()},
    }
    limits = node.get("limits") or base.get("limits") or {}
    if limits.get("timeout") is not None:
        plan["timeout_s"] = float(limits["timeout"])
    if settings.get("force_rerun"):
        plan["force_rerun"] = True
    if settings.get("continue_on_step_failure"):
        plan["continue_on_failure"] = True
    if source:
        plan["source"] = source
    compute = _default_compute(node, settings) or around.compute
    known = {port: around.inputs.get(item.get("parent", ""), item) for port, item in plan["inputs"].items()}
    for name, child in (base.get("jobs") or {}).items():
        path = f"{step}.{name}" if around.depth else name
        child_plan, child_bound = _node(scope, child, Around(path, around.depth + 1, compute, known, outer))
        plan["nodes"][name] = child_plan
        for port, mine in child_bound.items():
            if mine not in plan["outputs"]:
                plan["outputs"][mine] = {"type": child_plan["outputs"][port]["type"]}
            plan["outputs"][mine] |= {"node": name, "port": port}
    if not plan["nodes"]:
        raise InvalidRequest(f"{step}: a pipeline needs at least one job", code="EmptyPipeline")
    return plan, bound


def _default_compute(node: Mapping[str, Any], settings: Mapping[str, Any]) -> str | None:
    for value in (node.get("compute"), settings.get("default_compute")):
        if isinstance(value, str) and value:
            return value
    return None
