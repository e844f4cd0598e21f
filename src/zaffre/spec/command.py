"""Commands: a line of shell with code, an environment, inputs and outputs; as a job, and as a component to reuse."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator

from zaffre.spec.common import Described, Distribution, JobFields, Limits, Resources, RetrySettings
from zaffre.spec.environment import EnvironmentValue
from zaffre.spec.form import LocalPath, TextMap
from zaffre.spec.inputs import InputDeclaration, InputValue, OutputDeclaration, OutputValue
from zaffre.spec.loading import fault


def some_command(value: str) -> str:
    if not value.strip():
        raise fault("the command is empty")
    if "\0" in value:
        raise fault("the command contains a NUL character")
    return value


CommandLine = Annotated[str, AfterValidator(some_command)]


class CommandJob(JobFields):
    """A job that runs one command."""

    type: Literal["command"] = "command"
    command: CommandLine  # run by bash; ${{inputs.x}}, ${{outputs.y}} and $[[optional parts]] are replaced
    code: LocalPath | None = None  # folder or file that is copied to where the command runs
    environment: EnvironmentValue  # what its Python finds installed
    environment_variables: TextMap | None = None  # set for the command
    inputs: dict[str, InputValue] | None = None  # data and values; a bare value is a value
    outputs: dict[str, OutputValue] | None = None  # folders and files that the command writes; without a body, a folder
    resources: Resources | None = None  # what it takes of the machine
    limits: Limits | None = None  # how long it may run
    distribution: Distribution | None = None  # several processes that work together
    retry_settings: RetrySettings | None = None  # how often a failed job is tried again (Zaffre, for jobs of their own)
    is_deterministic: bool | None = None  # `false`: its result is never reused (Zaffre, for jobs of their own)
    parent_job_name: str | None = None  # accepted in files that came from Azure ML


class ComponentFields(Described):
    """What every kind of component may say."""

    version: str | None = None  # the next number if not given
    inputs: dict[str, InputDeclaration] | None = None  # what a step must or may give
    outputs: dict[str, OutputDeclaration] | None = None  # what a step can bind
    is_deterministic: bool | None = None  # `false`: its results are never reused
    additional_includes: list[LocalPath] | None = None  # more files and folders beside `code`


class CommandComponent(ComponentFields):
    """A command with declared inputs and outputs, to be used as a step of pipelines."""

    type: Literal["command"] = "command"
    command: CommandLine  # as in a command job
    code: LocalPath | None = None  # folder or file that is copied to where the command runs
    environment: EnvironmentValue  # what its Python finds installed
    environment_variables: TextMap | None = None  # set for the command
    resources: Resources | None = None  # a step may say otherwise
    limits: Limits | None = None  # a step may say otherwise
    distribution: Distribution | None = None  # a step may say otherwise
