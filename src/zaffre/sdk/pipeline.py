"""`@pipeline`: a Python function that draws a pipeline. Called, it gives the pipeline job; called in another pipeline,
it is a step of that one."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from functools import update_wrapper
from types import FrameType
from typing import Any, overload

from pydantic import BaseModel

from zaffre.base import errors
from zaffre.sdk import documents
from zaffre.sdk.step import Drawing, OutputOf, ParentInput, Step, drawing, given, placed, plainly
from zaffre.spec import document
from zaffre.spec.inputs import Output
from zaffre.spec.pipeline import PipelineJob


class Pipeline:
    """What `@pipeline` makes of a function."""

    def __init__(self, function: Callable[..., Any], fields: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        self._function, self._fields, self._settings = function, dict(fields), dict(settings)
        self._signature = inspect.signature(function)
        update_wrapper(self, function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """A `PipelineJob`; inside of another pipeline a step."""
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        values = given(bound.arguments)
        jobs, outputs = self._draw(values)
        label = self._fields.get("name") or self._function.__name__
        if drawing.get() is not None:
            settings = {"settings": self._settings} if self._settings else {}
            types = {name: source.type for name, source in outputs.items()}
            results = {name: output_like(source) for name, source in outputs.items()}
            fields = {"type": "pipeline", "jobs": jobs, "inputs": values, "outputs": results, **settings}
            return placed(Step(label, fields, types))
        head = {"type": "pipeline", "display_name": self._function.__name__, **self._fields, "settings": self._settings}
        body = {
            "inputs": values,
            "outputs": {name: output_like(source) for name, source in outputs.items()},
            "jobs": jobs,
        }
        job = documents.parse(as_data({**head, **body}), "job/pipeline").spec
        assert isinstance(job, PipelineJob)
        return job

    def _draw(self, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, OutputOf]]:
        """The steps as plain values, and the outputs of the pipeline with the step's output behind each."""
        canvas = Drawing()
        token = drawing.set(canvas)
        try:
            returned, variables = call(self._function, {name: ParentInput(name) for name in values}, self._signature)
        finally:
            drawing.reset(token)
        if not canvas.steps:
            raise errors.InvalidRequest(f"the pipeline `{self._function.__name__}` has no steps", code="NoSteps")
        steps = canvas.settle(variables)
        outputs = self._outputs(returned)
        for name, source in outputs.items():
            bound = source.step.fields.setdefault("outputs", {})
            known = bound.get(source.name)
            whole = isinstance(known, Output) and known.model_fields_set
            path = f"${{{{parent.outputs.{name}}}}}"
            bound[source.name] = known.model_copy(update={"path": path}) if whole else path
        return {name: plainly(step.fields) for name, step in steps.items()}, outputs

    def _outputs(self, returned: Any) -> dict[str, OutputOf]:
        if returned is None:
            return {}
        if isinstance(returned, Mapping) and all(isinstance(value, OutputOf) for value in returned.values()):
            return dict(returned)
        raise errors.InvalidRequest(
            f"the pipeline `{self._function.__name__}` must return its outputs as a dict, or nothing",
            hint='for instance return {"model": train.outputs.model}',
        )


@overload
def pipeline(function: Callable[..., Any], /) -> Pipeline: ...
@overload
def pipeline(
    *,
    name: str | None = None,
    display_name: str | None = None,
    description: str | None = None,
    experiment_name: str | None = None,
    tags: Mapping[str, str] | None = None,
    compute: str | None = None,
    default_compute: str | None = None,
    default_datastore: str | None = None,
    continue_on_step_failure: bool | None = None,
    force_rerun: bool | None = None,
) -> Callable[[Callable[..., Any]], Pipeline]: ...
def pipeline(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    display_name: str | None = None,
    description: str | None = None,
    experiment_name: str | None = None,
    tags: Mapping[str, str] | None = None,
    compute: str | None = None,
    default_compute: str | None = None,
    default_datastore: str | None = None,
    continue_on_step_failure: bool | None = None,
    force_rerun: bool | None = None,
) -> Pipeline | Callable[[Callable[..., Any]], Pipeline]:
    """Make a pipeline of a function: inside, components are called; a step is named by the variable that holds it.

    >>> hello = command(command="echo hello > ${{outputs.x}}/t", outputs={"x": Output(type="uri_folder")},
    ...                 environment="azureml:sklearn@latest")
    >>> count = command(command="wc ${{inputs.x}}/t", inputs={"x": Input(type="uri_folder")},
    ...                 environment="azureml:sklearn@latest")
    >>> @pipeline(experiment_name="first")
    ... def words():
    ...     greeting = hello()
    ...     counted = count(x=greeting.outputs.x)
    >>> words().jobs["counted"].inputs
    {'x': '${{parent.jobs.greeting.outputs.x}}'}
    """
    if function is not None:
        return Pipeline(function, {}, {})
    fields = {
        "name": name,
        "display_name": display_name,
        "description": description,
        "experiment_name": experiment_name,
        "tags": dict(tags) if tags else None,
        "compute": compute,
    }
    settings = {
        "default_compute": default_compute,
        "default_datastore": default_datastore,
        "continue_on_step_failure": continue_on_step_failure,
        "force_rerun": force_rerun,
    }
    return lambda one: Pipeline(one, _present(fields), _present(settings))


def call(
    function: Callable[..., Any], arguments: dict[str, Any], signature: inspect.Signature
) -> tuple[Any, Mapping[str, Any]]:
    """Call a function and give what it returned and its local variables as they were at the end."""
    variables: dict[str, Any] = {}
    former = sys.getprofile()
    code = inspect.unwrap(function).__code__

    def at_return(frame: FrameType, event: str, _: Any) -> None:
        if event == "return" and frame.f_code is code:
            variables.update(frame.f_locals)

    missing = {name: None for name in signature.parameters if name not in arguments}
    sys.setprofile(at_return)
    try:
        returned = function(**arguments, **missing)
    finally:
        sys.setprofile(former)
    return returned, variables


def output_like(source: OutputOf) -> Output:
    """An output of the pipeline, of the type of the step's output behind it."""
    return Output.model_validate({"type": source.type} if source.type else {})


def as_data(value: Any) -> Any:
    """Plain values throughout; a component used by many steps is written out once and shared."""
    known: dict[int, Any] = {}

    def plain(item: Any) -> Any:
        if isinstance(item, BaseModel):
            if id(item) not in known:
                known[id(item)] = document.plain(item) | (
                    {"type": kind} if (kind := getattr(item, "type", None)) is not None else {}
                )
            return known[id(item)]
        if isinstance(item, dict):
            return {key: plain(one) for key, one in item.items()}
        return [plain(one) for one in item] if isinstance(item, list) else item

    return plain(value)


def _present(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if value is not None}
