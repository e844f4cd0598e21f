"""Inputs and outputs of a job as the plan has them: literals, addresses, bindings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from zaffre.base.errors import Conflict, InvalidRequest
from zaffre.core.job_state import TERMINAL
from zaffre.core.plan import InputPlan, OutputPlan
from zaffre.services.places import no_address
from zaffre.services.resolve.scope import Scope
from zaffre.spec.expression import literal_text, single
from zaffre.spec.reference import parse_reference

LITERAL_TYPES = {"string", "integer", "number", "boolean"}
MODEL_TYPES = {"mlflow_model", "custom_model", "triton_model"}
BINDING = re.compile(r"parent\.(?:inputs\.(?P<input>[\w.-]+)|jobs\.(?P<node>[\w-]+)\.outputs\.(?P<port>[\w-]+))")


def declared(
    scope: Scope, ports: Mapping[str, Any], given: Mapping[str, Any], step: str, known: Mapping[str, InputPlan]
) -> dict[str, InputPlan]:
    """The inputs of a component: what was given, else the default. `known` are those of the pipeline around it.

    Raises `InvalidRequest` for one that is missing, or a literal that the component does not allow.
    """
    plans = {port: _declared(scope, port, spec or {}, given.get(port), step) for port, spec in ports.items()}
    for port, spec in ports.items():
        literal = known.get(plans[port].get("parent", ""), plans[port]).get("value")
        _check(spec or {}, literal, step, port)
    return plans | free(scope, {port: value for port, value in given.items() if port not in ports}, step)


def free(scope: Scope, given: Mapping[str, Any], step: str) -> dict[str, InputPlan]:
    """The inputs of a job without a component: each says itself what it is."""
    return {port: value_of(scope, value, step, port) for port, value in given.items()}


def _declared(scope: Scope, port: str, spec: Mapping[str, Any], value: Any, step: str) -> InputPlan:
    type_ = spec.get("type", "uri_folder")
    if value is None:
        if "default" in spec and spec["default"] is not None:
            return (
                {"type": type_, "value": literal_text(spec["default"])}
                if type_ in LITERAL_TYPES
                else value_of(scope, {"type": type_, "path": spec["default"]}, step, port)
            )
        if spec.get("optional"):
            return {"type": type_, "value": None, "optional": True}
        raise InvalidRequest(f"{step}: input {port} is required and was not given", code="InputMissing")
    if type_ not in LITERAL_TYPES and isinstance(value, str) and not single(value):
        value = {"type": type_, "path": value}
    made = value_of(scope, value, step, port)
    made.setdefault("type", type_)
    if spec.get("mode"):
        made.setdefault("mode", spec["mode"])
    return made


def _check(spec: Mapping[str, Any], text: str | None, step: str, port: str) -> None:
    """A literal within what the component declares. The check of the file did the same where it could see it."""
    if text is None or "${{" in text:
        return
    where = f"{step}: input {port}"
    if (choices := spec.get("enum")) and text not in [literal_text(choice) for choice in choices]:
        raise InvalidRequest(f"{where} is {text!r}, not one of {', '.join(map(str, choices))}", code="InputOutOfRange")
    if spec.get("type") in ("integer", "number"):
        try:
            number = float(text)
        except ValueError:
            raise InvalidRequest(f"{where} is {text!r}, not a number", code="InputType") from None
        low, high = spec.get("min"), spec.get("max")
        if (low is not None and number < float(low)) or (high is not None and number > float(high)):
            raise InvalidRequest(f"{where} is {text}, not between {low} and {high}", code="InputOutOfRange")


def value_of(scope: Scope, value: Any, step: str, port: str) -> InputPlan:
    if isinstance(value, Mapping):
        made: InputPlan = {key: value[key] for key in ("type", "mode") if value.get(key)}  # type: ignore[assignment]
        path = value.get("path", value.get("value"))
        if path is None:
            default = value.get("default")
            return {**made, "value": None if default is None else literal_text(default), "optional": True}
        if made.get("type") in LITERAL_TYPES:
            return {**made, **_literal(path)}
        if isinstance(path, str) and (name := single(path)):
            return {**made, **_binding(name, step, port)}
        return {**made, **address(scope, str(path), made.get("type", "uri_folder"))}
    return _literal(value, step, port)


def _literal(value: Any, step: str = "", port: str = "") -> InputPlan:
    if value is None:
        return {"value": None, "optional": True}
    if isinstance(value, str) and (name := single(value)):
        return _binding(name, step, port)
    return {"value": literal_text(value)}


def _binding(name: str, step: str, port: str) -> InputPlan:
    found = BINDING.fullmatch(name)
    if not found:
        raise InvalidRequest(
            f"{step}: input {port} is bound to ${{{{{name}}}}}",
            code="BadBinding",
            hint="${{parent.inputs.NAME}} or ${{parent.jobs.STEP.outputs.NAME}}",
        )
    if found["input"]:
        return {"parent": found["input"].removesuffix(".path")}
    return {"node": found["node"], "port": found["port"]}


def address(scope: Scope, text: str, type_: str) -> InputPlan:
    """Where the bytes of an input are. Assets, labels and outputs of jobs are resolved now, for good."""
    kind = "model" if type_ in MODEL_TYPES else "data"
    reference = parse_reference(text, "models" if kind == "model" else "data")
    if reference.kind == "asset":
        if reference.asset_type in ("models", "model"):
            kind = "model"
        record = scope.asset(kind, reference)
        made: InputPlan = {"uri": str(record.uri), "asset": f"{kind}:{record.name}:{record.version}"}
        if record.fingerprint:
            made["identity"] = record.fingerprint
        return made
    if reference.kind == "job_output":
        return _output_of(scope, str(reference.job), str(reference.output), reference.path)
    if reference.kind == "datastore":
        return {"uri": f"azureml://datastores/{reference.datastore}/paths/{reference.path or ''}"}
    if reference.kind == "local":
        if text.startswith("file:///"):
            return {"uri": text}  # by reference: it is read where it lies on this machine
        raise InvalidRequest(f"{text} is a path of the client: it was not uploaded", code="NotUploaded")
    if reference.kind == "registry_asset":
        raise InvalidRequest(
            f"{text}: registry {reference.registry} is not here",
            code="RegistryNotFound",
            hint=f"register it in the workspace and write azureml:{reference.name}@latest",
        )
    return {"uri": text.removeprefix("azureml:") if text.startswith("azureml:azureml:") else text}


def _output_of(scope: Scope, name: str, output: str, path: str | None) -> InputPlan:
    job = scope.job(name)
    made = (job.outputs or {}).get(output)
    if output in ("artifacts", "default") and made is None:
        made = {"uri": f"azureml://datastores/workspaceartifactstore/paths/ExperimentRun/dcid.{job.name}/"}
    if made is None:
        if job.status not in TERMINAL:
            raise Conflict(
                f"job {name} is still {job.status}: its output {output} is not there yet",
                code="JobNotEnded",
                hint=f"zaffre job wait --name {name}",
            )
        there = ", ".join(job.outputs or {}) or "none"
        raise InvalidRequest(f"job {name} has no output {output} (it has: {there})", code="OutputNotFound")
    inner = path.strip("/") if path else ""
    plan: InputPlan = {
        "uri": made["uri"].rstrip("/") + "/" + inner if inner else made["uri"],
        "asset": f"job:{name}/{output}",
    }
    if made.get("identity") and not inner:
        plan["identity"] = made["identity"]
    return plan


def outputs(
    ports: Mapping[str, Any], given: Mapping[str, Any], outer: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, OutputPlan], dict[str, str]]:
    """Outputs of a step, and which of them are outputs of the pipeline: port -> the pipeline's name.

    One that is the pipeline's and says no type itself has the type that the pipeline says.
    """
    plans: dict[str, OutputPlan] = {}
    bound: dict[str, str] = {}
    for port in dict.fromkeys([*ports, *given]):
        merged = {**_mapping(ports.get(port)), **_mapping(given.get(port))}
        path = merged.get("path")
        if isinstance(path, str) and (name := single(path)) and name.startswith("parent.outputs."):
            bound[port] = name.removeprefix("parent.outputs.")
            merged.pop("path")
        elif isinstance(path, str) and "://" not in path:
            raise no_address(f"output {port}: path {path}")
        of_pipeline = outer.get(bound.get(port, ""), {}).get("type")
        plan: OutputPlan = {"type": merged.get("type") or of_pipeline or "uri_folder"}
        for key in ("mode", "path", "name", "version"):
            if merged.get(key) is not None:
                plan[key] = str(merged[key])
        plans[port] = plan
    return plans, bound


def _mapping(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        return {"path": value}
    return {key: item for key, item in (value or {}).items() if item is not None}
