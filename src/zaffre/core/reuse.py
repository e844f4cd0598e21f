"""When is the result of a step already known? The key of a step, and the one cause why two keys differ.

key = BLAKE3 of the canonical JSON of: command, code tree, environment, content of inputs, parameters, environment
variables, declared outputs, and the resources that change results. The parts are kept beside the key, because a
digest cannot say what changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import blake3
import orjson

ORDER = (
    "code", "command", "params", "environment", "variables", "inputs", "outputs", "parallel", "resources", "format",
)  # fmt: skip
NO_PART = (
    "workers",
    "retries",
    "timeout_s",
    "init_timeout_s",
    "logging_level",
)  # of a parallel step: its result is the same without
FORMAT = 1  # a new meaning of the parts is a new format: old results are then not reused


def parts(step: Mapping[str, Any]) -> dict[str, Any] | None:
    """The parts of the key of a step whose inputs are bound; None if the content of an input is not known."""
    inputs, params = {}, {}
    for port, item in (step.get("inputs") or {}).items():
        if "value" in item or "uri" not in item:
            params[port] = item.get("value")
        elif item.get("identity") is None:
            return None
        else:
            inputs[port] = item["identity"]
    found = {
        "format": FORMAT,
        "command": step["command"],
        "code": step.get("code"),
        "environment": step["environment"],
        "inputs": inputs,
        "params": params,
        "variables": {**(step.get("environment_variables") or {}), **(step.get("variables") or {})},
        "outputs": {port: [item["type"], item.get("path")] for port, item in (step.get("outputs") or {}).items()},
        "resources": [step.get("instances", 1), step.get("distribution")],
    }
    if parallel := step.get(
        "parallel"
    ):  # how many work on it at once changes nothing: rows have the order of the input
        found["parallel"] = {name: item for name, item in parallel.items() if name not in NO_PART}
        found["resources"] = [1, None]
    return found


def key(of: Mapping[str, Any]) -> str:
    return blake3.blake3(orjson.dumps(of, option=orjson.OPT_SORT_KEYS)).hexdigest()


@dataclass(frozen=True)
class Difference:
    """The first part that differs, in the order in which people look: what they edited comes before what followed."""

    part: str  # code, command, environment, params, inputs, variables, outputs, parallel, resources, format
    name: str | None = None  # of the parameter, input, variable
    former: Any = None
    now: Any = None


def difference(former: Mapping[str, Any], now: Mapping[str, Any]) -> Difference | None:
    """Why two keys differ; None when they are equal."""
    for part in ORDER:
        old, new = former.get(part), now.get(part)
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            name = next(name for name in [*new, *old] if old.get(name, _ABSENT) != new.get(name, _ABSENT))
            return Difference(part, name, old.get(name), new.get(name))
        return Difference(part, None, old, new)
    return None


_ABSENT = object()
