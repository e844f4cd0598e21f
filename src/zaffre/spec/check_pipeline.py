"""Whether the steps of a pipeline fit together."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from zaffre.spec import check
from zaffre.spec.command import CommandComponent, ComponentFields
from zaffre.spec.expression import find, single
from zaffre.spec.faults import Location, Wrong, nearest
from zaffre.spec.fit import mismatch, why_not
from zaffre.spec.form import Form
from zaffre.spec.inputs import Input, LiteralValue, Output
from zaffre.spec.loading import Loading
from zaffre.spec.node import CommandNode, Node
from zaffre.spec.pipeline import PipelineComponent, PipelineNode


@dataclass(frozen=True)
class Scope:
    """What the steps of one pipeline can name."""

    inputs: Mapping[str, LiteralValue | Input]
    outputs: Mapping[str, Any]
    jobs: Mapping[str, Node]
    at: Location


def pipeline(spec: Any, at: Location, loading: Loading) -> Iterator[Wrong]:
    """A pipeline job, component or step with its `jobs`; or a job that is a component with values."""
    if spec.jobs:
        scope = Scope(spec.inputs or {}, spec.outputs or {}, spec.jobs, at)
        needs: dict[str, set[str]] = {}
        for name, node in spec.jobs.items():
            place = (*at, "jobs", name)
            needs[name] = set()
            for key, used in expressions(node):
                fed_by = yield from used_name(used, (*place, *key), scope)
                if fed_by:
                    needs[name].add(fed_by)
            yield from step(node, place, scope, loading)
        yield from check.cycle(needs, at)
    elif isinstance(getattr(spec, "component", None), ComponentFields):
        yield from given_to(spec, spec.component, at, None)
        yield from written_in_place(spec.component, (*at, "component"), loading)


def expressions(node: Node) -> Iterator[tuple[Location, str]]:
    """The names used by a step, each with the keys where it stands."""
    for key, value in (node.inputs or {}).items():
        text = value.path if isinstance(value, Input) else value
        if isinstance(text, str) and "${{" in text:
            where: Location = ("inputs", key, "path") if isinstance(value, Input) else ("inputs", key)
            for name in find(text):
                yield where, name
    for key, output in (node.outputs or {}).items():
        place = output.path if isinstance(output, Output) else output
        if place is not None and "${{" in place:
            for name in find(place):
                yield ("outputs", key), name
    if node.compute and "${{" in node.compute:
        for name in find(node.compute):
            yield ("compute",), name
    for part in ("resources", "limits"):
        held = getattr(node, part, None)
        for key, value in held.__dict__.items() if held is not None else ():
            if isinstance(value, str) and "${{" in value:
                for name in find(value):
                    yield (part, key), name


def used_name(name: str, place: Location, scope: Scope) -> Generator[Wrong, None, str | None]:
    """Faults of one name; returns the step that it makes this one wait for, if any."""
    parts = name.split(".")
    if parts[0] != "parent" or len(parts) < 3:
        return None
    kind, key = parts[1], parts[2]
    if kind == "inputs" and key not in scope.inputs:
        yield check.unknown(place, name, "input of the pipeline", key, scope.inputs)
    elif kind == "outputs" and key not in scope.outputs:
        yield check.unknown(place, name, "output of the pipeline", key, scope.outputs)
    elif kind == "jobs":
        node = scope.jobs.get(key)
        if node is None:
            yield check.unknown(place, name, "step", key, scope.jobs)
            return None
        if len(parts) > 4 and parts[3] == "outputs":
            known = outputs_of(node)
            if known is not None and parts[4] not in known:
                yield check.unknown(place, name, f"output of step `{key}`", parts[4], known)
            return key
        if len(parts) <= 4:
            yield Wrong(place, f"`${{{{{name}}}}}` names no output", f"write ${{{{parent.jobs.{key}.outputs.NAME}}}}")
    return None


def outputs_of(node: Node) -> Mapping[str, Any] | None:
    """The outputs of a step by name; None when a registered component declares them."""
    own: Mapping[str, Any] = node.outputs or {}
    component = getattr(node, "component", None) or getattr(node, "trial", None)
    if isinstance(component, str):
        return None
    if component is None:
        return own if isinstance(node, (CommandNode, PipelineNode)) else None
    return {**(getattr(component, "outputs", None) or {}), **own}


def step(node: Node, place: Location, scope: Scope, loading: Loading) -> Iterator[Wrong]:
    """One step: what its component wants, or what its own command uses."""
    component = getattr(node, "component", None)
    if isinstance(component, ComponentFields):
        yield from given_to(node, component, place, scope)
        if id(component) not in loading.shared.from_files:
            yield from written_in_place(component, (*place, "component"), loading)
    elif isinstance(node, PipelineNode) and node.jobs:
        yield from pipeline(node, place, loading)
    elif isinstance(node, CommandNode) and component is None:
        if node.command is None:
            yield Wrong(place, "the step has neither `component` nor `command`")
            return
        if node.environment is None:
            yield Wrong(place, "`environment` is missing", "for instance environment: azureml:sklearn-1.5@latest")
        yield from check.command(node, place)


def written_in_place(component: Form, place: Location, loading: Loading) -> Iterator[Wrong]:
    if id(component) in loading.shared.from_files:
        return
    if isinstance(component, CommandComponent):
        yield from check.command(component, place)
    elif isinstance(component, PipelineComponent):
        yield from check.declarations(component, place)
        yield from pipeline(component, place, loading)


def given_to(node: Any, component: Any, place: Location, scope: Scope | None) -> Iterator[Wrong]:
    """Whether a step gives its component what it declares."""
    declared: Mapping[str, Input] = component.inputs or {}
    given = node.inputs or {}
    for key, wanted in declared.items():
        if key not in given:
            if not wanted.optional and wanted.default is None:
                yield Wrong(
                    (*place, "inputs"), f"the input `{key}` of the component is missing", f"its type is {wanted.type}"
                )
            continue
        reason = unfit(given[key], wanted, scope)
        if reason:
            yield Wrong((*place, "inputs", key), f"`{key}` {reason}")
    if not isinstance(component, PipelineComponent):
        for key in given.keys() - declared.keys():
            yield Wrong((*place, "inputs", key), f"the component has no input `{key}`", nearest(key, declared))
    outputs = component.outputs or {}
    for key in (node.outputs or {}).keys() - outputs.keys():
        yield Wrong((*place, "outputs", key), f"the component has no output `{key}`", nearest(key, outputs))


def unfit(value: LiteralValue | Input, wanted: Input, scope: Scope | None) -> str | None:
    """Why a given value is not what the component wants, as the end of a sentence."""
    text = value.path if isinstance(value, Input) else value
    name = single(text)
    if name is None:
        if not isinstance(value, Input):
            return why_not(value, wanted)
        return (
            f"is {value.type}, wanted is {wanted.type}" if mismatch(value.type or "uri_folder", wanted.type) else None
        )
    if scope is None:
        return None
    parts = name.split(".")
    if parts[:2] == ["parent", "inputs"] and len(parts) == 3:
        source = scope.inputs.get(parts[2])
        if isinstance(source, Input):
            kind = source.type or ("uri_folder" if source.path else None)
            return f"is {kind} (`{name}`), wanted is {wanted.type}" if mismatch(kind, wanted.type) else None
        return why_not(source, wanted) if source is not None else None
    if parts[:2] == ["parent", "jobs"] and len(parts) == 5 and (node := scope.jobs.get(parts[2])) is not None:
        component = getattr(node, "component", None)
        of_component = getattr(component, "outputs", None) or {}
        for output in ((node.outputs or {}).get(parts[4]), of_component.get(parts[4])):
            if isinstance(output, Output) and output.type:
                return (
                    f"is {output.type} (`{name}`), wanted is {wanted.type}"
                    if mismatch(output.type, wanted.type)
                    else None
                )
    return None
