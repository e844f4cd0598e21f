"""Model packages: a model with its environment and code, ready to be served elsewhere."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from zaffre.spec.common import CodeConfiguration
from zaffre.spec.environment import InferenceConfig
from zaffre.spec.form import Fold, Form, TextMap
from zaffre.spec.inputs import Input


class BaseEnvironment(Form):
    """The environment that is built upon."""

    type: Annotated[Literal["environment_asset", "environmentasset"], Fold]
    resource_id: str


class InferencingServer(Form):
    """What answers."""

    type: Annotated[Literal["azureml_online", "azureml_batch", "triton", "custom"], Fold]
    code_configuration: CodeConfiguration | None = None
    inference_configuration: InferenceConfig | None = None


class ModelConfiguration(Form):
    """How the model comes into the package."""

    mode: Annotated[Literal["copy", "download"], Fold] | None = None
    mount_path: str | None = None


class ModelPackage(Form):
    """What a package is made of."""

    target_environment: str | dict[str, Any]
    inferencing_server: InferencingServer
    base_environment_source: BaseEnvironment | None = None
    model_configuration: ModelConfiguration | None = None
    environment_variables: TextMap | None = None
    inputs: list[Input] | None = None
    tags: TextMap | None = None
