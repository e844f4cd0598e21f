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
    properties: TextMap | None = None
    stage: str | None = None
    flavors: dict[str, Any] | None = None
    utc_time_created: str | None = None
    run_id: str | None = None
    default_deployment_template: dict[str, Any] | None = None
