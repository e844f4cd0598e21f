"""Steps of a pipeline that is written in Python: calling a component gives one, its outputs feed others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from zaffre.base import errors
from zaffre.spec.inputs import Input, Output

Types = Mapping[str, str | None]  # of outputs, by name

COMMAND_FIELDS = (
    "display_name", "description", "tags", "properties", "command", "code", "environment", "environment_variables",
    "resources", "limits", "distribution", "is_deterministic", "compute", "retry_settings", "outputs",
)  # fmt: skip


class OutputOf:
    """The output of a step, to be given as an input to another. Its name in the pipeline is settled at the end."""

    def __init__(self, step: Step, name: str) -> None:
        self.step, self.name = step, name

    @property
    def type(self) -> str | None:
        """Of the data, where it is known."""
        return (self.step.types or {}).get(self.name)

    def __str__(self) -> str:
        return f"${{{{parent.jobs.{self.step.name}.outputs.{self.name}}}}}"


class ParentInput:
    """An input of the pipeline that is being drawn."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __str__(self) -> str:
        return f"${{{{parent.inputs.{self.name}}}}}"


class Outputs:
    """`step.outputs.model`, or `step.outputs["model"]`; assigning an `Output` says where it goes or how it is named."""

    def __init__(self, step: Step, known: Types | None) -> None:
        self.__dict__["_step"], self.__dict__["_known"] = step, known

    def __getattr__(self, name: str) -> OutputOf:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> OutputOf:
        step: Step = self.__dict__["_step"]
        known: Types | None = self.__dict__["_known"]
        if known is not None and name not in known:
            raise errors.InvalidRequest(
                f"the step `{step.label}` has no output `{name}`", code="NoSuchOutput",
                hint=f"it has {', '.join(sorted(known)) or 'none'}",
            )  # fmt: skip
        return OutputOf(step, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __setitem__(self, name: str, value: Any) -> None:
        step: Step = self.__dict__["_step"]
        step.fields.setdefault("outputs", {})[name] = value

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self.__dict__["_known"] or ()))


class Step:
    """One step of the pipeline that is being drawn. `compute`, `environment`, `limits` ... may be assigned."""

    def __init__(self, label: str, fields: dict[str, Any], outputs: Types | None) -> None:
        """`outputs` None: not known here, the server will tell."""
        self.__dict__.update(label=label, name=label, fields=fields, types=outputs, outputs=Outputs(self, outputs))

    if TYPE_CHECKING:
        label: str
        name: str
        fields: dict[str, Any]
        types: Types | None
        outputs: Outputs

    @property
    def inputs(self) -> dict[str, Any]:
        """What the step is given; may be changed."""
        found: dict[str, Any] = self.fields.setdefault("inputs", {})
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "name":
            self.__dict__["name"] = self.fields["display_name"] = value
        else:
            self.fields[name] = value

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["fields"][name]
        except KeyError:
            raise AttributeError(f"the step `{self.__dict__.get('label')}` has no `{name}`") from None


class Drawing:
    """The pipeline a function is drawing: its steps, in the order of the calls."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def settle(self, names: Mapping[str, Any]) -> dict[str, Step]:
        """The steps by name: the variable that holds it, else its component's name; doubles get a number."""
        variables = {id(value): name for name, value in names.items() if isinstance(value, Step)}
        settled: dict[str, Step] = {}
        for step in self.steps:
            chosen = step.name if step.name != step.label else variables.get(id(step), step.label)
            name, number = chosen, 1
            while name in settled:
                name, number = f"{chosen}_{number}", number + 1
            step.__dict__["name"] = name
            settled[name] = step
        return settled


drawing: ContextVar[Drawing | None] = ContextVar("zaffre_drawing", default=None)


class Component:
    """A component (its model, or the reference of a registered one). Called inside of a pipeline it is a step."""

    def __init__(self, model: BaseModel | None = None, reference: str | None = None) -> None:
        self.model, self.reference = model, reference

    def __call__(self, **inputs: Any) -> Step:
        model, body = self.model, self.model or self.reference
        declared = getattr(model, "inputs", None)
        label = str(getattr(model, "name", None) or (self.reference or "step").split(":")[-2:][0])
        if model is not None:
            check_inputs(label, inputs, declared or {})
        fields = {"component": body, "inputs": given(inputs)}
        if (kind := getattr(model, "type", None)) is not None:
            fields["type"] = kind
        return placed(Step(label, fields, None if model is None else types_of(getattr(model, "outputs", None))))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["model"], name)


def types_of(outputs: Mapping[str, Any] | None) -> Types:
    """The types of declared outputs."""
    return {name: getattr(one, "type", None) for name, one in (outputs or {}).items()}


def placed(step: Step) -> Step:
    """Put a step into the pipeline that is being drawn. Raises `InvalidRequest` outside of one."""
    canvas = drawing.get()
    if canvas is None:
        raise errors.InvalidRequest(
            f"`{step.label}` was called outside of a pipeline", code="NoPipeline",
            hint="call components inside of a function with @pipeline",
        )  # fmt: skip
    canvas.steps.append(step)
    return step


def check_inputs(label: str, inputs: dict[str, Any], declared: dict[str, Any]) -> None:
    """Name what is not declared, and what is missing."""
    unknown = sorted(set(inputs) - set(declared))
    if unknown:
        raise errors.InvalidRequest(
            f"the component `{label}` has no input `{unknown[0]}`", code="NoSuchInput",
            hint=f"it has {', '.join(sorted(declared)) or 'none'}",
        )  # fmt: skip
    for name, one in declared.items():
        needed = isinstance(one, Input) and not one.optional and one.default is None
        if needed and inputs.get(name) is None:
            raise errors.InvalidRequest(f"the component `{label}` needs its input `{name}`", code="MissingInput")


def given(inputs: dict[str, Any]) -> dict[str, Any]:
    """Inputs with a value; a step that has one output may stand for that output."""
    found = {}
    for name, item in inputs.items():
        value = item
        if isinstance(value, Step):
            names = list(value.outputs)
            if len(names) != 1:
                raise errors.InvalidRequest(
                    f"input `{name}`: the step `{value.label}` has {len(names)} outputs; say which: step.outputs.NAME"
                )
            value = value.outputs[names[0]]
        if value is not None:
            found[name] = value
    return found


def plainly(value: Any) -> Any:
    """Bindings as the expressions of the language; models stay."""
    if isinstance(value, OutputOf | ParentInput):
        return str(value)
    if isinstance(value, Input) and isinstance(value.path, OutputOf | ParentInput):
        return value.model_copy(update={"path": str(value.path)})
    if isinstance(value, dict):
        return {key: plainly(item) for key, item in value.items()}
    return value if not isinstance(value, Output) else value.model_copy()
