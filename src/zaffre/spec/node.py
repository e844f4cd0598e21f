"""The steps of a pipeline. Their classes are imported when a pipeline has such a step."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any, Literal

from pydantic import PlainValidator, ValidationInfo

from zaffre.base.errors import ZaffreError
from zaffre.spec import include, reference, yaml
from zaffre.spec.command import CommandComponent, CommandLine
from zaffre.spec.common import (
    Described,
    Distribution,
    IdentityHere,
    Limits,
    QueueHere,
    Resources,
    RetrySettings,
    ServicesHere,
)
from zaffre.spec.environment import EnvironmentValue
from zaffre.spec.faults import nearest
from zaffre.spec.form import Form, LocalPath, TextMap, asset_reference, folded
from zaffre.spec.inputs import InputValue, OutputValue
from zaffre.spec.loading import absolute, fault, loading_of

# type of a node: (module, class)
NODES = {
    "command": ("node", "CommandNode"),
    "pipeline": ("pipeline", "PipelineNode"),
    "sweep": ("sweep", "SweepNode"),
    "parallel": ("parallel", "ParallelNode"),
    "spark": ("spark", "SparkNode"),
    "automl": ("automl", "AutoMLNode"),
    "finetuning": ("finetuning", "FineTuningNode"),
}


class Node(Described):
    """What every step may say."""

    comment: str | None = None  # free text
    compute: str | None = None  # a compute, or ${{parent.inputs.x}}
    inputs: dict[str, InputValue] | None = None  # values, data or expressions such as ${{parent.inputs.x}}
    outputs: dict[str, OutputValue] | None = None  # where results go; ${{parent.outputs.y}} makes one the pipeline's
    identity: IdentityHere = None  # accepted without effect
    services: ServicesHere = None  # accepted without effect in this release
    queue_settings: QueueHere = None  # accepted without effect
    experiment_name: str | None = None  # accepted: steps belong to the experiment of their pipeline
    retry_settings: RetrySettings | None = None  # how often it is tried again


def component_of(*types: str) -> Any:
    """A validator for `component:`; a file or a mapping becomes the model, a name is checked."""

    def check(value: Any, info: ValidationInfo) -> str | Form:
        if isinstance(value, Form):
            found = value
        elif isinstance(value, str):
            if not is_file(value):
                return check_name(value)
            found = include.load(value, "component", info)
        elif value.__class__ is dict:
            found = component(value, types[0], info)
        else:
            raise fault("a component is a name, a file or a mapping")
        given = getattr(found, "type", None)
        if given not in types:
            raise fault(f"the component is of type {given}, the step of type {types[0]}", hint=f"write type: {given}")
        return found

    return PlainValidator(check)


def component(value: dict[str, Any], default: str, info: ValidationInfo) -> Form:
    """A component written in place."""
    from zaffre.spec import kinds

    given = folded(value.get("type")) or ("pipeline" if "jobs" in value else default)
    kind = f"component/{given}"
    if kind not in kinds.KINDS:
        raise fault(f"a component of type `{given}` is not known", hint=nearest(str(given), NODES))
    body = {key: item for key, item in value.items() if key != "$schema"}
    return kinds.model(kind).model_validate(body, context=info.context)


def is_file(value: str) -> bool:
    return reference.is_local(value) and (value.startswith(("file:", ".", "/")) or value.endswith((".yml", ".yaml")))


check_name = asset_reference("components")


class CommandNode(Node):
    """A step that runs a command: written in place, or a component with values for its inputs."""

    type: Literal["command"] = "command"
    component: Annotated[str | CommandComponent | None, component_of("command")] = None
    """A command component: name, address, file or the component itself."""
    command: CommandLine | None = None  # written in place, with `environment`, if there is no `component`
    code: LocalPath | None = None  # of a command written in place
    environment: EnvironmentValue | None = None  # in place of the component's
    environment_variables: TextMap | None = None  # on top of the component's
    resources: Resources | None = None  # field by field in place of the component's
    limits: Limits | None = None  # in place of the component's
    distribution: Distribution | None = None  # in place of the component's
    is_deterministic: bool | None = None  # of a command written in place


def node(value: Any, info: ValidationInfo) -> Node:
    """The step of the type it says, or that its component or its keys show."""
    if isinstance(value, Node):
        return value
    if value.__class__ is not dict:
        raise fault("a step is a mapping with `type` and `component` or `command`")
    given = folded(value.get("type"))
    if given is None:
        given = shown_type(value, info)
    if given not in NODES:
        raise fault(
            f"a step of type `{given}` is not known", hint=nearest(str(given), NODES) or f"types are {', '.join(NODES)}"
        )
    if "$schema" in value or value.get("type", given) != given:
        value = {key: item for key, item in value.items() if key != "$schema"}
        value["type"] = given
    found: Node = node_class(given).model_validate(value, context=info.context)
    return found


def node_class(given: str) -> type[Node]:
    if given == "command":
        return CommandNode
    module, name = NODES[given]
    found: type[Node] = getattr(import_module(f"zaffre.spec.{module}"), name)
    return found


def shown_type(value: dict[str, Any], info: ValidationInfo) -> str:
    if "jobs" in value:
        return "pipeline"
    named = value.get("component")
    loading = loading_of(info)
    if isinstance(named, str) and loading.base is not None and is_file(named):
        from pathlib import Path

        try:  # faults of the file are told when it is loaded
            content = yaml.parse(yaml.read(Path(absolute(loading.base, named))))
        except ZaffreError:
            content = None
        named = content
    if isinstance(named, dict):
        inner = folded(named.get("type"))
        return inner if inner in NODES else "pipeline" if "jobs" in named else "command"
    return "command"


NodeValue = Annotated[Node, PlainValidator(node)]
