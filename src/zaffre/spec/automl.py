"""AutoML: a task and its data; which models are tried is the platform's work."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from zaffre.spec.common import Expression, JobFields, Resources
from zaffre.spec.form import Fold, Form, TextMap, folded
from zaffre.spec.inputs import Input, LiteralValue, OutputValue
from zaffre.spec.node import Node
from zaffre.spec.sweep import EarlyTermination, Parameter, Sampling

Task = Literal[
    "classification", "regression", "forecasting",
    "image_classification", "image_classification_multilabel", "image_object_detection", "image_instance_segmentation",
    "text_classification", "text_classification_multilabel", "text_ner",
]  # fmt: skip


def metric(value: Any) -> Any:
    """`AUC_weighted`, `AUCWeighted` and `R2Score` are one spelling each."""
    value = folded(value)
    return {"aucweighted": "auc_weighted", "r2score": "r2_score"}.get(value, value) if isinstance(value, str) else value


def one_data(value: Any) -> Any:
    return {"path": value} if isinstance(value, str) and "${{" not in value else value


Data = Annotated[str | Input, BeforeValidator(one_data)]
Algorithm = Annotated[str, Fold]
AutoOrCount = Annotated[int, Field(ge=1)] | Annotated[Literal["auto"], Fold] | Expression


class AutoMLLimits(Form):
    """Bounds of the search."""

    timeout_minutes: Annotated[float, Field(gt=0)] | Expression | None = None
    trial_timeout_minutes: Annotated[float, Field(gt=0)] | Expression | None = None
    max_trials: Annotated[int, Field(ge=1)] | Expression | None = None
    max_concurrent_trials: Annotated[int, Field(ge=1)] | Expression | None = None
    max_cores_per_trial: int | Expression | None = None  # -1: all
    max_nodes: Annotated[int, Field(ge=1)] | Expression | None = None
    enable_early_termination: bool | None = None
    exit_score: float | None = None


class Featurization(Form):
    """How columns are prepared."""

    mode: Annotated[Literal["auto", "custom", "off"], Fold] | None = None
    dataset_language: str | None = None
    blocked_transformers: list[str] | None = None
    column_name_and_types: dict[str, str] | None = None
    transformer_params: dict[str, Any] | None = None
    enable_dnn_featurization: bool | None = None


class Training(Form):
    """Which models, and how they are joined."""

    allowed_training_algorithms: list[Algorithm] | None = None
    blocked_training_algorithms: list[Algorithm | None] | None = None
    enable_dnn_training: bool | None = None
    enable_model_explainability: bool | None = None
    enable_onnx_compatible_models: bool | None = None
    enable_stack_ensemble: bool | None = None
    enable_vote_ensemble: bool | None = None
    ensemble_model_download_timeout: float | None = None
    stack_ensemble_settings: dict[str, Any] | None = None
    training_mode: str | None = None


class Forecasting(Form):
    """Time and series of a forecast."""

    time_column_name: str
    forecast_horizon: AutoOrCount | None = None
    frequency: str | None = None
    time_series_id_column_names: str | list[str] | None = None
    target_lags: AutoOrCount | list[int] | None = None
    target_rolling_window_size: AutoOrCount | None = None
    country_or_region_for_holidays: str | None = None
    cv_step_size: AutoOrCount | None = None
    feature_lags: str | None = None
    seasonality: AutoOrCount | None = None
    short_series_handling_config: str | None = None
    target_aggregate_function: str | None = None
    use_stl: str | None = None
    features_unknown_at_forecast_time: str | list[str] | None = None


class AutoMLSweep(Form):
    """How the search space of image and text tasks is walked."""

    sampling_algorithm: Sampling | None = None
    early_termination: EarlyTermination | None = None


class AutoMLSettings(Form):
    """What an AutoML job needs."""

    task: Annotated[Task, Fold]
    primary_metric: Annotated[str, BeforeValidator(metric)] | None = None
    target_column_name: str | None = None
    training_data: Data
    validation_data: Data | None = None
    test_data: Data | None = None
    validation_data_size: float | None = None
    test_data_size: float | None = None
    n_cross_validations: AutoOrCount | None = None
    cv_split_column_names: list[str] | None = None
    weight_column_name: str | None = None
    positive_label: LiteralValue | None = None
    log_verbosity: Annotated[Literal["not_set", "debug", "info", "warning", "error", "critical"], Fold] | None = None
    limits: AutoMLLimits | None = None
    featurization: Featurization | None = None
    training: Training | None = None
    training_parameters: dict[str, Any] | None = None
    forecasting: Forecasting | None = None
    sweep: AutoMLSweep | None = None
    search_space: list[dict[str, Parameter | LiteralValue]] | None = None
    resources: Resources | None = None
    environment_variables: TextMap | None = None


class AutoMLJob(JobFields, AutoMLSettings):
    """AutoML as a job."""

    type: Literal["automl"]
    inputs: dict[str, Any] | None = None
    outputs: dict[str, OutputValue] | None = None


class AutoMLNode(Node, AutoMLSettings):
    """AutoML as a step; its best model is the output of type mlflow_model."""

    type: Literal["automl"]
