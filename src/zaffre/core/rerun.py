"""The plan of a job that is run again exactly: every step runs, and what the first run published stays as it is."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

PUBLISHED = ("path", "name", "version")  # of an output: a fixed place, or a version of an asset


def afresh(plan: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a plan in which nothing is reused or kept, and outputs go to places of the new job's own."""
    made: dict[str, Any] = copy.deepcopy({key: item for key, item in plan.items() if key not in ("keep", "verify")})
    if made["kind"] == "pipeline":
        made["force_rerun"] = True
    _unpublish(made)
    return made


def _unpublish(plan: dict[str, Any]) -> None:
    for port, item in (plan.get("outputs") or {}).items():
        own = "${{name}}" in str(item.get("path", "")).replace(" ", "")
        gone = PUBLISHED[1:] if own else PUBLISHED
        plan["outputs"][port] = {key: value for key, value in item.items() if key not in gone}
    for node in (plan.get("nodes") or {}).values():
        _unpublish(node)


def steps(plan: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """(path, plan) of the job itself or, of a pipeline, of each step below it; to be changed in place."""
    if plan["kind"] != "pipeline":
        yield path, plan
    for name, node in (plan.get("nodes") or {}).items():
        yield from steps(node, f"{path}.{name}" if path else name)


def addresses(plan: dict[str, Any], path: str = "") -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(path of the step, port, input) of every input with an address; to be changed in place."""
    for port, item in (plan.get("inputs") or {}).items():
        if "uri" in item:
            yield path, port, item
    for name, node in (plan.get("nodes") or {}).items():
        yield from addresses(node, f"{path}.{name}" if path else name)
