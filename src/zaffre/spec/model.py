"""Models: files that a job made and a deployment serves."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from zaffre.spec.common import Described
from zaffre.spec.form import DataPath, Filled, TextMap
from zaffre.spec.inputs import data_type

ModelType = Annotated[Literal["custom_model", "mlflow_model", "triton_model"], BeforeValidator(data_type)]


class Model(Described):
    """A version of a model. `path` is local, a datastore's, or an output: azureml://jobs/JOB/outputs/NAME."""

    version: Filled | None = None  # the next number if not given
    type: ModelType | None = None  # custom_model if not given
    path: DataPath | None = None
    """Local file or folder, azureml://datastores/..., or an output: azureml://jobs/JOB/outputs/NAME."""
    properties: TextMap | None = None
    stage: str | None = None  # such as Production; read by the model registry of MLflow
    flavors: dict[str, Any] | None = None  # of an MLflow model; read from its MLmodel file if not given
    utc_time_created: str | None = None  # of an MLflow model
    run_id: str | None = None  # the job that made it
    default_deployment_template: dict[str, Any] | None = None  # kept
