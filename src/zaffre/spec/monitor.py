"""Monitors: what a schedule looks for in a model's data and answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from zaffre.spec.form import Fold, Form
from zaffre.spec.inputs import Input
from zaffre.spec.loading import fault
from zaffre.spec.spark import SparkResources

PerColumn = dict[str, float]


class Target(Form):
    """The model that is watched."""

    ml_task: (
        Annotated[
            Literal["classification", "regression", "question_answering", "chat_completion", "text_generation"], Fold
        ]
        | None
    ) = None
    endpoint_deployment_id: str | None = None  # azureml:ENDPOINT:DEPLOYMENT
    model_id: str | None = None


class Window(Form):
    """A stretch of time, as ISO 8601 durations: P7D."""

    lookback_window_size: str | None = None
    lookback_window_offset: str | None = None
    window_start: str | None = None
    window_end: str | None = None


class MonitorData(Form):
    """One side of a comparison."""

    input_data: Input
    data_context: (
        Annotated[
            Literal[
                "training", "test", "validation", "model_inputs", "model_outputs", "ground_truth", "ground_truth_data"
            ],
            Fold,
        ]
        | None
    ) = None
    data_column_names: dict[str, str] | None = None
    pre_processing_component: str | None = None
    data_window_size: str | None = None
    data_window: Window | None = None
    reference_data: Any | None = None


class TopFeatures(Form):
    """The features that matter most."""

    top_n_feature_importance: Annotated[int, Field(ge=1)]


class Thresholds(Form):
    """From where on a signal is told. Which apply depends on the signal."""

    numerical: PerColumn | None = None
    categorical: PerColumn | None = None
    normalized_discounted_cumulative_gain: float | None = None
    classification: PerColumn | None = None
    regression: PerColumn | None = None
    groundedness: PerColumn | None = None
    relevance: PerColumn | None = None
    coherence: PerColumn | None = None
    fluency: PerColumn | None = None
    similarity: PerColumn | None = None
    totaltoken: PerColumn | None = None
    prediction: PerColumn | None = None


class NamedThreshold(Form):
    """The threshold of a metric that the user's component computes."""

    metric_name: str
    threshold: float | None = None


def several(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


class Signal(Form):
    """One thing that is looked for."""

    type: Annotated[
        Literal[
            "data_drift", "data_quality", "prediction_drift", "feature_attribution_drift", "model_performance",
            "generation_safety_quality", "generation_token_statistics", "custom",
        ],
        Fold,
    ]  # fmt: skip
    production_data: Annotated[list[MonitorData], BeforeValidator(several)] | None = None
    reference_data: MonitorData | None = None
    features: TopFeatures | list[str] | Literal["all_features"] | None = None
    feature_type_override: dict[str, str] | None = None
    alert_enabled: bool | None = None
    metric_thresholds: Thresholds | list[NamedThreshold] | None = None
    component_id: str | None = None  # of custom
    input_data: dict[str, MonitorData] | None = None  # of custom
    inputs: dict[str, Any] | None = None  # of custom
    workspace_connection_id: str | None = None
    connection_id: str | None = None
    sampling_rate: Annotated[float, Field(gt=0, le=1)] | None = None
    data_segment: dict[str, Any] | None = None
    properties: dict[str, Any] | None = None


class Alert(Form):
    """Whom to tell."""

    emails: list[str] | None = None


def notification(value: Any) -> Any:
    if isinstance(value, str) and value != "azmonitoring":
        raise fault(f"`{value}` is no notification", hint="a mapping with `emails`")
    return value


class MonitorDefinition(Form):
    """What a scheduled monitor does."""

    compute: SparkResources
    monitoring_target: Target | None = None
    monitoring_signals: dict[str, Signal] | None = None
    alert_notification: Annotated[Alert | str | None, AfterValidator(notification)] = None
