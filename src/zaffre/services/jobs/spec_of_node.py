"""The document of one node of a pipeline, as its own job shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SHOWN = (
    "command", "task", "code", "environment", "inputs", "outputs", "description", "tags", "jobs", "settings", "version",
)  # fmt: skip


def spec_of_node(pipeline: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The node's own words over those of its component."""
    component = pipeline.get("component")
    base = component if isinstance(component, Mapping) else pipeline
    node = (base.get("jobs") or pipeline.get("jobs") or {}).get(name) or {}
    inner = node.get("component")
    if not isinstance(inner, Mapping):
        return dict(node)
    shown = {key: inner[key] for key in SHOWN if key in inner and key not in ("inputs", "outputs")}
    if inner.get("type") == "pipeline":
        return {**shown, **{key: item for key, item in node.items() if key != "component"}, "component": inner}
    return {**shown, **{key: item for key, item in node.items() if key != "component"}, "component": inner.get("name")}
