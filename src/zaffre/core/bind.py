"""Fill in what a node of a pipeline gets from its parent and from the nodes before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zaffre.core.plan import InputPlan, OutputPlan
from zaffre.spec.expression import render, single

Outputs = Mapping[str, Mapping[str, Any]]  # port -> {type, uri, identity}


def bind(
    node: Mapping[str, Any],
    name: str,
    parent: Mapping[str, Any],
    done: Mapping[str, Outputs],
    default_compute: str | None,
) -> dict[str, Any]:
    """The plan of a node of `parent` (a GraphPlan whose own inputs are bound), with nothing left open.

    `done` has the outputs of the nodes that completed. The result shares what did not change with `node`.
    """
    given = parent.get("inputs") or {}
    bound = dict(node)
    bound["inputs"] = {port: _input(item, given, done) for port, item in (node.get("inputs") or {}).items()}
    outputs = {port: dict(item) for port, item in (node.get("outputs") or {}).items()}
    for item in (parent.get("outputs") or {}).values():
        if item.get("node") == name and item["port"] in outputs:
            outputs[item["port"]] = {**outputs[item["port"]], **_place(item)}
    bound["outputs"] = outputs
    if node["kind"] != "pipeline":
        bound["compute"] = _text(node.get("compute"), given) or default_compute
    return bound


def _input(item: InputPlan, given: Mapping[str, InputPlan], done: Mapping[str, Outputs]) -> InputPlan:
    if "parent" in item:
        source = given.get(item["parent"])
        if source is None:  # an optional input of the pipeline that was not given
            return {"type": item.get("type", "string"), "value": None, "optional": True}
        return {**source, **{key: item[key] for key in ("type", "mode") if key in item and "value" not in source}}  # type: ignore[typeddict-item]
    if "node" in item:
        output = done[item["node"]].get(item["port"]) or {}
        made: InputPlan = {"type": item.get("type") or output.get("type", "uri_folder"), "uri": output.get("uri", "")}
        if output.get("identity"):
            made["identity"] = output["identity"]
        if "mode" in item:
            made["mode"] = item["mode"]
        return made
    if item.get("value") and "${{parent." in str(item["value"]):
        return {**item, "value": _text(item["value"], given)}
    return item


def _place(output: Mapping[str, Any]) -> OutputPlan:
    """What the pipeline says about an output of its own wins over what the node says."""
    return {key: output[key] for key in ("path", "mode", "name", "version") if output.get(key) is not None}  # type: ignore[return-value]


def _text(text: str | None, given: Mapping[str, InputPlan]) -> str | None:
    """`${{parent.inputs.x}}` in a text, such as the name of a compute."""
    if text is None or "${{" not in text:
        return text

    def lookup(name: str) -> str | None:
        return given.get(name.removeprefix("parent.inputs."), {}).get("value")

    return lookup(found) if (found := single(text)) else render(text, lookup)
