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

    default_compute: str | None = None
    default_datastore: str | None = None
    continue_on_step_failure: bool | None = None  # other branches go on when a step fails
    force_rerun: bool | None = None  # nothing is reused
    on_init: str | None = None
    on_finalize: str | None = None


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
    jobs: Steps
    settings: Settings | None = None
    compute: str | None = None


PipelineBody = Annotated[str | PipelineComponent | None, component_of("pipeline")]


class PipelineJob(JobFields):
    """A job of several steps, written in place (`jobs`) or as a component."""

    type: Literal["pipeline"] = "pipeline"
    jobs: Steps | None = None
    component: PipelineBody = None
    inputs: dict[str, InputValue] | None = None
    outputs: dict[str, OutputValue] | None = None
    settings: Settings | None = None
    limits: Limits | None = None

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
    component: PipelineBody = None
    jobs: Steps | None = None
    settings: Settings | None = None
    limits: Limits | None = None

    @model_validator(mode="after")
    def _one_body(self) -> PipelineNode:
        if (self.component is None) == (not self.jobs):
            raise fault("a step of type pipeline needs either `component` or `jobs`")
        return self
