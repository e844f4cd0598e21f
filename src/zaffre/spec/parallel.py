"""Parallel jobs: one script over the mini-batches of a large input."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, PlainValidator, ValidationInfo

from zaffre.spec import include
from zaffre.spec.command import ComponentFields
from zaffre.spec.common import Count, Expression, JobFields, Resources, RetrySettings
from zaffre.spec.environment import EnvironmentValue
from zaffre.spec.expression import single
from zaffre.spec.form import Fold, Form, LocalPath, TextMap
from zaffre.spec.inputs import InputValue, OutputValue
from zaffre.spec.loading import fault
from zaffre.spec.node import Node, component_of


def batch_size(value: str) -> str:
    """Files (`5`) or bytes of tables (`10kb`, `2mb`, `1gb`)."""
    number = value.strip().lower().removesuffix("b").rstrip("kmg").strip()
    if single(value) is None and not (number.isdigit() and int(number) > 0):
        raise fault(f"`{value}` is no size of a mini-batch", hint="a number of files, or bytes such as 10kb or 1mb")
    return value


BatchSize = Annotated[str, AfterValidator(batch_size)]
LogLevel = Annotated[Literal["debug", "info", "warning", "error", "critical"], Fold]


class ParallelTask(Form):
    """The script and where it runs."""

    type: Annotated[Literal["run_function", "function", "model"], Fold] = "run_function"
    code: LocalPath | None = None
    entry_script: str | None = None  # with init() and run(mini_batch)
    environment: EnvironmentValue | None = None
    program_arguments: str | None = None
    append_row_to: str | None = None  # ${{outputs.x}}: what run() returns is appended there
    model: str | dict[str, Any] | None = None


class ParallelSettings(Form):
    """How the input is cut, and how much may fail."""

    mini_batch_size: BatchSize | None = None
    partition_keys: list[str] | Expression | None = None
    input_data: str | None = None  # ${{inputs.x}}: the input that is cut
    max_concurrency_per_instance: Count | None = None
    error_threshold: int | Expression | None = None  # failed items that are tolerated, -1 for any number
    mini_batch_error_threshold: int | Expression | None = None
    logging_level: LogLevel | None = None
    retry_settings: RetrySettings | None = None
    resources: Resources | None = None
    environment_variables: TextMap | None = None


class ParallelJob(JobFields, ParallelSettings):
    """A parallel job of its own."""

    type: Literal["parallel"]
    task: ParallelTask
    inputs: dict[str, InputValue] | None = None
    outputs: dict[str, OutputValue] | None = None


class ParallelComponent(ComponentFields, ParallelSettings):
    """A parallel job to be used as a step."""

    type: Literal["parallel"]
    task: ParallelTask


class Flow(Form):
    """A prompt flow (`flow.dag.yaml`) or a run of one; kept as it is."""

    path: str
    content: dict[str, Any]
    type: Literal["flow"] = "flow"


def flow_or_component(value: Any, info: ValidationInfo) -> Any:
    """`component:` may name a prompt flow besides parallel components."""
    if isinstance(value, Flow) or (isinstance(value, dict) and value.get("type") == "flow"):
        return value if isinstance(value, Flow) else Flow.model_validate(value)
    if isinstance(value, str):
        content = include.raw(value, info)
        if content is not None and ("nodes" in content or "flow" in content):
            return Flow(path=include.located(value, info), content=content)
    return PARALLEL_COMPONENT.func(value, info)


PARALLEL_COMPONENT = component_of("parallel")


class ParallelNode(Node, ParallelSettings):
    """A parallel job as a step."""

    type: Literal["parallel"]
    component: Annotated[str | ParallelComponent | Flow | None, PlainValidator(flow_or_component)] = None
    task: ParallelTask | None = None
    connections: dict[str, Any] | None = None  # of a flow
