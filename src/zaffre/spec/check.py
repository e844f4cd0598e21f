"""What can be known to be wrong in a whole document before anything runs.

Names that do not exist, steps in a circle, values that a component will not take. Lenient where Azure ML is: kinds of
files pass for each other, and a pipeline component may be given inputs that it does not declare.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from zaffre.spec import graph
from zaffre.spec.command import CommandComponent, CommandJob
from zaffre.spec.expression import BARE, OPTIONAL, find
from zaffre.spec.faults import Location, Wrong, nearest
from zaffre.spec.fit import why_not
from zaffre.spec.form import Form
from zaffre.spec.inputs import Input
from zaffre.spec.loading import Loading

OWN_NAMES = ("inputs", "outputs", "search_space", "name", "default_datastore", "output_name", "output_path")


def check(spec: Form, loading: Loading) -> list[Wrong]:
    """The faults of one file's model; what came from files of its own has been checked with them."""
    if isinstance(spec, (CommandJob, CommandComponent)):
        return list(command(spec, ()))
    found = list(declarations(spec, ())) if isinstance(getattr(spec, "type", None), str) else []
    if hasattr(spec, "jobs") and hasattr(spec, "settings"):
        from zaffre.spec import check_pipeline

        return [*found, *check_pipeline.pipeline(spec, (), loading)]
    return found


def command(spec: Any, at: Location) -> Iterator[Wrong]:
    """A command written in place: the names it uses are those it has."""
    yield from declarations(spec, at)
    inputs, outputs = spec.inputs or {}, spec.outputs or {}
    for text, place in texts(spec, at):
        names = find(text)
        if "$[[" in text:
            names += [name for part in OPTIONAL.findall(text) if not find(part) for name in BARE.findall(part)]
        for name in dict.fromkeys(names):
            root, _, rest = name.partition(".")
            key = rest.partition(".")[0]
            if root == "inputs" and key not in inputs:
                yield unknown(place, name, "input", key, inputs)
            elif root == "outputs" and key not in outputs:
                yield unknown(place, name, "output", key, outputs)
            elif root == "parent":
                hint = (
                    f"give the step an input with this value and write ${{{{inputs.{name.rpartition('.')[2]}}}}} here"
                )
                yield Wrong(place, f"`${{{{{name}}}}}` cannot stand in a command", hint)


def texts(spec: Any, at: Location) -> Iterator[tuple[str, Location]]:
    if (spec.command and "{{" in spec.command) or (spec.command and "$[[" in spec.command):
        yield spec.command, (*at, "command")
    for key, value in (spec.environment_variables or {}).items():
        if "${{" in value:
            yield value, (*at, "environment_variables", key)


def unknown(place: Location, name: str, what: str, key: str, known: Iterable[str]) -> Wrong:
    known = list(known)
    hint = nearest(key, known) or (f"there are {', '.join(known[:10])}" if known else "there is none")
    return Wrong(place, f"`${{{{{name}}}}}`: there is no {what} `{key}`", hint)


def declarations(spec: Any, at: Location) -> Iterator[Wrong]:
    """Declared inputs: defaults and bounds that fit the type."""
    for key, item in (getattr(spec, "inputs", None) or {}).items():
        if isinstance(item, Input) and item.type is not None:
            place = (*at, "inputs", key)
            if item.default is not None and (reason := why_not(item.default, item)):
                yield Wrong((*place, "default"), f"the default of `{key}` {reason}")
            if isinstance(item.min, (int, float)) and isinstance(item.max, (int, float)) and item.min > item.max:
                yield Wrong((*place, "min"), f"`min` ({item.min}) of `{key}` is above `max` ({item.max})")


def cycle(edges: Mapping[str, set[str]], at: Location) -> Iterator[Wrong]:
    ring = graph.cycle(edges)
    if ring:
        names = " -> ".join([*ring, ring[0]])
        yield Wrong((*at, "jobs", ring[0]), f"the steps run in a circle: {names}", "a step cannot need its own result")
