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

    type: Annotated[Literal["run_function", "function", "model"], Fold] = "run_function"  # a script, or a model
    code: LocalPath | None = None  # folder or file that is copied to where the script runs
    entry_script: str | None = None  # a file of the code with `run(mini_batch)`, perhaps `init()` and `shutdown()`
    environment: EnvironmentValue | None = None  # what its Python finds installed
    program_arguments: str | None = None  # what the script finds in `sys.argv`; expressions are replaced
    append_row_to: str | None = None  # ${{outputs.x}}: what run() returns is written there, in the order of the input
    model: str | dict[str, Any] | None = None
    """`azureml:NAME:VERSION` or `${{inputs.x}}`: its folder is `AZUREML_MODEL_DIR`. An MLflow model needs no script."""


class ParallelSettings(Form):
    """How the input is cut, and how much may fail."""

    mini_batch_size: BatchSize | None = None  # files of a folder (`5`; 10 if not given), bytes of a table (`1mb`)
    partition_keys: list[str] | Expression | None = None  # columns of a table: one mini-batch for each of their values
    input_data: str | None = None  # ${{inputs.x}}: the input that is cut; need not be said of the only one
    max_concurrency_per_instance: Count | None = None  # workers of each instance; as many as processors if not given
    error_threshold: int | Expression | None = None  # failed files or rows that are tolerated; -1, any number
    mini_batch_error_threshold: int | Expression | None = None  # failed mini-batches that are tolerated; -1, any number
    logging_level: LogLevel | None = None  # of Python's `logging` in the script; `info` if not given
    retry_settings: RetrySettings | None = None  # of each mini-batch: 2 retries and 600 s if not given
    resources: Resources | None = None  # what it takes of the machine
    environment_variables: TextMap | None = None  # set for the script


class ParallelJob(JobFields, ParallelSettings):
    """A parallel job of its own."""

    type: Literal["parallel"]
    task: ParallelTask  # what is run
    inputs: dict[str, InputValue] | None = None  # data and values; a bare value is a value
    outputs: dict[str, OutputValue] | None = None  # where rows and files go


class ParallelComponent(ComponentFields, ParallelSettings):
    """A parallel job to be used as a step."""

    type: Literal["parallel"]
    task: ParallelTask  # what is run


class Flow(Form):
    """A prompt flow (`flow.dag.yaml`) or a run of one; kept as it is."""

    path: str  # of its file
    content: dict[str, Any]  # of its file
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
    """A parallel component: name, address, file or the component itself."""
    task: ParallelTask | None = None  # written in place, if there is no `component`
    connections: dict[str, Any] | None = None  # of a prompt flow, which is read and checked, not run
