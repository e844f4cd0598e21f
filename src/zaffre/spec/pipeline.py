"""Pipelines: steps joined by their inputs and outputs; as a job, as a component, and as a step of a larger one."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, ValidationInfo, model_validator

from zaffre.base import limits
from zaffre.spec.command import ComponentFields
from zaffre.spec.common import JobFields, Limits
from zaffre.spec.form import Form, Name
from zaffre.spec.inputs import InputValue, OutputValue
from zaffre.spec.loading import fault, note
from zaffre.spec.node import Node, NodeValue, component_of

Steps = Annotated[dict[Name, NodeValue], Field(max_length=limits.PIPELINE_STEPS)]


class PipelineSettings(Form):
    """What holds for all steps."""

    default_compute: str | None = None  # of steps that name none
    default_datastore: str | None = None  # kept: outputs without a path go to workspaceblobstore
    continue_on_step_failure: bool | None = None  # other branches go on when a step fails
    force_rerun: bool | None = None  # nothing is reused
    on_init: str | None = None  # accepted without effect
    on_finalize: str | None = None  # accepted without effect


def settings(value: Any, info: ValidationInfo) -> PipelineSettings:
    """Unknown settings are tolerated, as Azure ML does, and told."""
    if isinstance(value, PipelineSettings):
        return value
    if value.__class__ is not dict:
        raise fault("`settings` must be a mapping")
    known = {}
    for key, item in value.items():
        if key in PipelineSettings.model_fields:
            known[key] = item
        else:
            note(info, f"settings.{key}: not known, ignored")
    return PipelineSettings.model_validate(known, context=info.context)


Settings = Annotated[PipelineSettings, PlainValidator(settings)]


class PipelineComponent(ComponentFields):
    """Steps with declared inputs and outputs, to be used as one step."""

    type: Literal["pipeline"] = "pipeline"
    jobs: Steps  # name of each step and the step
    settings: Settings | None = None  # what holds for all steps
    compute: str | None = None  # of steps that name none


PipelineBody = Annotated[str | PipelineComponent | None, component_of("pipeline")]


class PipelineJob(JobFields):
    """A job of several steps, written in place (`jobs`) or as a component."""

    type: Literal["pipeline"] = "pipeline"
    jobs: Steps | None = None  # name of each step and the step; or `component`
    component: PipelineBody = None  # a pipeline component in place of `jobs`
    inputs: dict[str, InputValue] | None = None  # data and values, as ${{parent.inputs.x}} in steps
    outputs: dict[str, OutputValue] | None = None  # bound by steps as ${{parent.outputs.y}}
    settings: Settings | None = None  # what holds for all steps
    limits: Limits | None = None  # how long it may run

    @model_validator(mode="after")
    def _one_body(self) -> PipelineJob:
        if not self.jobs and self.component is None:
            raise fault("a pipeline needs `jobs`: its steps", hint="or `component`, a pipeline component")
        if self.jobs and self.component is not None:
            raise fault("a pipeline has either `jobs` or `component`, not both")
        return self


class PipelineNode(Node):
    """A pipeline as a step of another one."""

    type: Literal["pipeline"] = "pipeline"
    component: PipelineBody = None  # a pipeline component: name, address, file or the component itself
    jobs: Steps | None = None  # name of each step and the step; or `component`
    settings: Settings | None = None  # what holds for all steps
    limits: Limits | None = None  # how long it may run

    @model_validator(mode="after")
    def _one_body(self) -> PipelineNode:
        if (self.component is None) == (not self.jobs):
            raise fault("a step of type pipeline needs either `component` or `jobs`")
        return self
