"""Parallel steps: what they say about mini-batches becomes a part of the plan of a command step."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from zaffre.base.errors import InvalidRequest
from zaffre.core.distribution import number
from zaffre.core.plan import ParallelPlan, StepPlan
from zaffre.services.resolve import inputs
from zaffre.services.resolve.scope import Scope
from zaffre.spec.expression import single

RETRIES, TIMEOUT_S, INIT_TIMEOUT_S = 2, 600.0, 600.0
APPEND_NAME = "parallel_run_step.txt"  # Azure's, where rows are appended in a folder
MODEL_PORT = "model"
FIELDS = (
    "mini_batch_size", "partition_keys", "input_data", "max_concurrency_per_instance", "error_threshold",
    "mini_batch_error_threshold", "logging_level", "retry_settings", "task",
)  # fmt: skip
# Flags that Azure's own runner takes out of `program_arguments`; the second ones mean nothing here.
FLAGS = ("error_threshold", "allowed_failed_percent", "allowed_failed_count", "first_task_creation_timeout",
         "append_row_file_name")  # fmt: skip
NO_EFFECT = ("task_overhead_timeout", "progress_update_timeout", "copy_logs_to_parent", "metric_name_prefix",
             "push_metrics_to_parent", "resource_monitor_interval")  # fmt: skip
ABBREVIATED = 12  # characters of a flag that is cut short
FLAG = re.compile(r"(?<!\S)--(?P<name>[a-z_]+)(?:=|\s+)(?P<value>(?!--)\S+)")


def merged(node: Mapping[str, Any], component: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a step says over what its component says."""
    said = {name: (component or {}).get(name) for name in FIELDS}
    return said | {name: node[name] for name in FIELDS if node.get(name) is not None}


def as_command(said: Mapping[str, Any], base: Mapping[str, Any], step: str) -> dict[str, Any]:
    """The step, or its component, as a command; retries are those of mini-batches, not of the step."""
    task = said["task"] or {}
    if not task.get("entry_script") and not task.get("model"):
        raise InvalidRequest(
            f"{step}: the task of a parallel job needs an entry_script",
            code="EntryScriptMissing",
            hint="a Python file of its code with init() and run(mini_batch)",
        )
    return {
        **{key: value for key, value in base.items() if key != "retry_settings"},
        "command": task.get("program_arguments") or "",
        "code": task.get("code") or base.get("code"),
        "environment": task.get("environment") or base.get("environment"),
    }


def complete(scope: Scope, plan: StepPlan, said: Mapping[str, Any], step: str) -> None:
    """Put into the plan how the input is cut. Raises `InvalidRequest` for ports that do not exist."""
    task, retry = said["task"], said.get("retry_settings") or {}
    plan["kind"] = "parallel"
    plan["command"], flags = _flags(scope, plan["command"])
    model = _model(scope, plan, task.get("model"), step)
    cut = _input(plan, said.get("input_data"), step)
    appended = _port(task.get("append_row_to"), "outputs", plan["outputs"], step, "append_row_to")
    folders = [port for port, item in plan["outputs"].items() if item["type"] != "uri_file"]
    size = said.get("mini_batch_size")
    if size and "${{" in size:
        number(size, f"{step}: mini_batch_size")
    parallel: ParallelPlan = {
        "entry": task.get("entry_script"),
        "input": cut,
        "input_type": plan["inputs"][cut].get("type") or "uri_folder",
        "mini_batch_size": size,
        "partition_keys": _keys(said.get("partition_keys"), step),
        "append_to": appended,
        "append_name": str(flags.get("append_row_file_name") or APPEND_NAME),
        "model": model,
        "output_dir": appended or (folders[0] if folders else None),
        "error_threshold": number(
            _or(said.get("error_threshold"), flags.get("error_threshold"), -1), "error_threshold"
        ),
        "mini_batch_error_threshold": number(
            _or(said.get("mini_batch_error_threshold"), flags.get("allowed_failed_count"), -1),
            f"{step}: mini_batch_error_threshold",
        ),
        "allowed_failed_percent": float(
            number(_or(flags.get("allowed_failed_percent"), 100), "allowed_failed_percent")
        ),
        "workers": _workers(scope, plan, said, step),
        "retries": int(_or(retry.get("max_retries"), RETRIES)),
        "timeout_s": float(_or(retry.get("timeout"), TIMEOUT_S)),
        "init_timeout_s": float(
            number(_or(flags.get("first_task_creation_timeout"), INIT_TIMEOUT_S), "first_task_creation_timeout")
        ),
        "logging_level": str(said.get("logging_level") or "info"),
    }
    if (name := parallel["append_name"]) and ("/" in name or name.startswith(".")):
        raise InvalidRequest(f"{step}: {name} is no name of a file", code="FileName")
    plan["parallel"] = parallel


def _or(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _flags(scope: Scope, arguments: str) -> tuple[str, dict[str, str]]:
    """The script's own arguments, and those of the runner, which may be cut short as argparse allows."""
    found: dict[str, str] = {}

    def take(match: re.Match[str]) -> str:
        given = match["name"]
        known = [name for name in (*FLAGS, *NO_EFFECT) if name == given]
        if not known and len(given) >= ABBREVIATED:
            known = [name for name in (*FLAGS, *NO_EFFECT) if name.startswith(given)]
        if len(known) != 1:
            return match[0]
        if known[0] in NO_EFFECT:
            scope.note(f"program_arguments: --{known[0]} is accepted, has no meaning here")
        found[known[0]] = match["value"].strip("'\"")
        return ""

    return FLAG.sub(take, arguments).strip(), found


def _model(scope: Scope, plan: StepPlan, value: Any, step: str) -> str | None:
    """The port of the model: an input of the step, or one that is added."""
    if not value:
        return None
    if isinstance(value, str) and single(value):
        return _port(value, "inputs", plan["inputs"], step, "model")
    given = {"type": "custom_model", "path": value} if isinstance(value, str) else {"type": "custom_model", **value}
    plan["inputs"] = {**plan["inputs"], MODEL_PORT: inputs.value_of(scope, given, step, MODEL_PORT)}
    return MODEL_PORT


def _input(plan: StepPlan, value: str | None, step: str) -> str:
    found = _port(value, "inputs", plan["inputs"], step, "input_data")
    if found:
        return found
    data = [port for port, item in plan["inputs"].items() if "value" not in item and port != MODEL_PORT]
    if len(data) != 1:
        raise InvalidRequest(
            f"{step}: which of its inputs is cut into mini-batches?",
            code="InputDataMissing",
            hint="input_data: ${{inputs.NAME}}",
        )
    return data[0]


def _port(value: str | None, side: str, ports: Mapping[str, Any], step: str, field: str) -> str | None:
    if not value:
        return None
    name = (single(value) or value).removeprefix(f"{side}.")
    if name not in ports:
        raise InvalidRequest(
            f"{step}: {field} names {value}, which is not one of its {side} ({', '.join(ports) or 'none'})",
            code="PortNotFound",
            hint=f"{field}: ${{{{{side}.NAME}}}}",
        )
    return name


def _keys(value: Any, step: str) -> list[str]:
    if isinstance(value, str):
        raise InvalidRequest(f"{step}: partition_keys: {value} is not filled in here", code="CountNotKnown",
                             hint="write the names of the columns")  # fmt: skip
    return list(value or ())


def _workers(scope: Scope, plan: StepPlan, said: Mapping[str, Any], step: str) -> int:
    """Of all instances together; the machine bounds them when they start."""
    each = said.get("max_concurrency_per_instance")
    cores = (scope.ctx.facts.get("machine") or {}).get("cores") or os.cpu_count() or 1
    wanted = int(cores) if each is None else number(each, f"{step}: max_concurrency_per_instance")
    return max(1, min(wanted * int(plan.get("instances") or 1), int(cores)))
