"""Sweeps: many trials of one command over a space of parameters."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, ValidationInfo, model_validator

from zaffre.spec import include, reference
from zaffre.spec.command import CommandComponent, CommandLine
from zaffre.spec.common import Count, Distribution, Expression, JobFields, Resources
from zaffre.spec.environment import EnvironmentValue
from zaffre.spec.form import Fold, Form, LocalPath, TextMap
from zaffre.spec.inputs import InputValue, LiteralValue, OutputValue
from zaffre.spec.loading import fault
from zaffre.spec.node import Node, check_name

Number = float | Expression


class Parameter(Form):
    """How the values of one parameter are drawn."""

    type: Annotated[
        Literal[
            "choice", "uniform", "quniform", "loguniform", "qloguniform",
            "normal", "qnormal", "lognormal", "qlognormal", "randint",
        ],
        Fold,
    ]  # fmt: skip
    values: list[LiteralValue | dict[str, Any]] | None = None  # of choice
    min_value: Number | None = None
    max_value: Number | None = None
    q: Number | None = None  # results are multiples of q
    mu: Number | None = None
    sigma: Number | None = None
    upper: int | Expression | None = None  # of randint: from 0 to upper, upper left out

    @model_validator(mode="after")
    def _complete(self) -> Parameter:
        bounds = ("min_value", "max_value")
        needed: tuple[str, ...] = {"choice": ("values",), "randint": ("upper",)}.get(
            self.type, ("mu", "sigma") if "normal" in self.type else bounds
        )
        if self.type.startswith("q"):
            needed = (*needed, "q")
        missing = [name for name in needed if getattr(self, name) is None]
        if missing:
            raise fault(f"`{self.type}` needs {' and '.join(f'`{name}`' for name in missing)}")
        if self.values == []:
            raise fault("`values` of a choice must not be empty")
        low, high = self.min_value, self.max_value
        if isinstance(low, float) and isinstance(high, float) and low > high:
            raise fault(f"min_value ({low}) is above max_value ({high})")
        return self


class EarlyTermination(Form):
    """When hopeless trials are stopped."""

    type: Annotated[Literal["bandit", "median_stopping", "truncation_selection"], Fold]
    evaluation_interval: Annotated[int, Field(ge=0)] | None = None  # every so many reports of the metric
    delay_evaluation: Annotated[int, Field(ge=0)] | None = None  # not before so many reports
    slack_factor: float | None = None  # bandit
    slack_amount: float | None = None  # bandit
    truncation_percentage: Annotated[int, Field(ge=1, le=99)] | None = None
    exclude_finished_jobs: bool | None = None


class SamplingAlgorithm(Form):
    """How points of the space are chosen, with its own settings."""

    type: Annotated[Literal["random", "grid", "bayesian"], Fold]
    seed: int | None = None  # random
    rule: Annotated[Literal["random", "sobol"], Fold] | None = None  # random
    logbase: float | str | None = None  # random


class Objective(Form):
    """What is made large or small."""

    goal: Annotated[Literal["maximize", "minimize"], Fold]
    primary_metric: str


class SweepLimits(Form):
    """Bounds of a sweep."""

    max_total_trials: Count | None = None
    max_concurrent_trials: Count | None = None
    timeout: Annotated[float, Field(gt=0)] | Expression | None = None  # seconds for all trials
    trial_timeout: Annotated[float, Field(gt=0)] | Expression | None = None  # seconds for one


class Trial(Form):
    """The command of a trial, written in place; ${{search_space.x}} is the trial's value of x."""

    command: CommandLine
    code: LocalPath | None = None
    environment: EnvironmentValue
    environment_variables: TextMap | None = None
    distribution: Distribution | None = None
    resources: Resources | None = None


def trial(value: Any, info: ValidationInfo) -> str | Trial | CommandComponent:
    """A component (name or file) or a command written in place."""
    if isinstance(value, (Trial, CommandComponent)):
        return value
    if isinstance(value, str):
        if not reference.is_local(value):
            return check_name(value)
        found = include.load(value, "component", info)
        if not isinstance(found, CommandComponent):
            raise fault(f"{value} is no command component")
        return found
    if value.__class__ is not dict:
        raise fault("a trial is a component or a mapping with `command`")
    declares = value.keys() & {"type", "name", "inputs", "outputs", "version"}
    return (CommandComponent if declares else Trial).model_validate(value, context=info.context)


def sampling(value: Any, info: ValidationInfo) -> SamplingAlgorithm:
    if isinstance(value, SamplingAlgorithm):
        return value
    return SamplingAlgorithm.model_validate({"type": value} if isinstance(value, str) else value, context=info.context)


TrialValue = Annotated[str | Trial | CommandComponent, PlainValidator(trial)]
Sampling = Annotated[SamplingAlgorithm, PlainValidator(sampling)]
SearchSpace = Annotated[dict[str, Parameter], Field(min_length=1)]


class SweepJob(JobFields):
    """A sweep as a job."""

    type: Literal["sweep"]
    trial: TrialValue
    search_space: SearchSpace
    objective: Objective
    sampling_algorithm: Sampling | None = None  # random if not given
    early_termination: EarlyTermination | None = None
    limits: SweepLimits | None = None
    inputs: dict[str, InputValue] | None = None
    outputs: dict[str, OutputValue] | None = None
    resources: Resources | None = None


class SweepNode(Node):
    """A sweep as a step; its outputs are those of the best trial."""

    type: Literal["sweep"]
    trial: TrialValue
    search_space: SearchSpace
    objective: Objective
    sampling_algorithm: Sampling | None = None
    early_termination: EarlyTermination | None = None
    limits: SweepLimits | None = None
    resources: Resources | None = None
