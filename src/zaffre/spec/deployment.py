"""Deployments: what an endpoint runs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, ValidationInfo, model_validator

from zaffre.spec import include, reference
from zaffre.spec.common import CodeConfiguration, Described, RetrySettings
from zaffre.spec.environment import EnvironmentValue
from zaffre.spec.form import Fold, Form, Name, TextMap, asset_reference
from zaffre.spec.loading import fault
from zaffre.spec.model import Model
from zaffre.spec.node import component_of
from zaffre.spec.parallel import BatchSize, LogLevel
from zaffre.spec.pipeline import PipelineComponent, Settings

check_model = asset_reference("models")


def model(value: Any, info: ValidationInfo) -> str | Model:
    """A registered model by name, `file:model.yml`, or the model itself."""
    if isinstance(value, Model):
        return value
    if isinstance(value, str):
        if reference.is_local(value) and value.startswith(("file:", "./", "../")):
            found = include.load(value, "model", info)
            assert isinstance(found, Model)
            return found
        return check_model(value)
    if value.__class__ is not dict:
        raise fault("a model is a name or a mapping with `path`")
    found = Model.model_validate(value, context=info.context)
    if found.path is None:
        raise fault("the model has no `path`")
    return found


ModelValue = Annotated[str | Model, PlainValidator(model)]


class RequestSettings(Form):
    """How requests are held and given out."""

    request_timeout_ms: Annotated[int, Field(ge=1)] | None = (
        None  # until an answer must be there; 504 after it (default 60000)
    )
    max_concurrent_requests_per_instance: Annotated[int, Field(ge=1)] | None = (
        None  # how many a worker has at once (default 1)
    )
    max_queue_wait_ms: Annotated[int, Field(ge=0)] | None = (
        None  # how long a request may wait for a worker; 429 after it
    )


class Probe(Form):
    """How a running worker, or a container, is asked whether it lives. Times in seconds."""

    initial_delay: Annotated[int, Field(ge=0)] | None = None  # seconds before the first question
    period: Annotated[int, Field(ge=1)] | None = None  # seconds between two
    timeout: Annotated[int, Field(ge=1)] | None = None  # seconds for an answer of a container (default 2)
    success_threshold: Annotated[int, Field(ge=1)] | None = None  # accepted without effect
    failure_threshold: Annotated[int, Field(ge=1)] | None = (
        None  # how often it may fail: period times this is what `init` may take
    )
    path: str | None = None  # accepted without effect: a container is asked at its routes, a worker on its socket
    port: int | None = None  # accepted without effect
    scheme: str | None = None  # accepted without effect
    method: str | None = None  # accepted without effect


class ScaleSettings(Form):
    """How the number of workers follows the load."""

    type: Annotated[
        Literal["default", "target_utilization"], Fold
    ]  # target_utilization follows the load; default keeps instance_count
    min_instances: Annotated[int, Field(ge=0)] | None = None  # 0: the last worker ends when nobody asks
    max_instances: Annotated[int, Field(ge=1)] | None = None  # at most so many
    polling_interval: Annotated[int, Field(ge=1)] | None = None  # seconds
    target_utilization_percentage: Annotated[int, Field(ge=1, le=100)] | None = (
        None  # busy workers, in percent, above which one more starts (default 70)
    )


class CollectedData(Form):
    """The asset that a collection becomes."""

    name: str | None = None  # of the asset
    path: str | None = None  # where it is written
    version: str | None = None  # of the asset


class Collection(Form):
    """One stream of collected data."""

    enabled: bool | None = None  # false: not collected
    data: CollectedData | str | None = None  # accepted: what is collected is found by its folder
    sampling_rate: Annotated[float, Field(ge=0, le=1)] | None = None  # share of requests that are kept
    client_id: str | None = None  # accepted without effect


class RequestLogging(Form):
    """Headers kept with the payload."""

    capture_headers: list[str] | None = None  # accepted without effect: headers are not kept


class DataCollector(Form):
    """What is kept of requests and answers."""

    collections: dict[str, Collection]  # model_inputs, model_outputs, request, response, or names that the script uses
    rolling_rate: Annotated[Literal["minute", "hour", "day", "month", "year"], Fold] | None = (
        None  # a new file each (default hour)
    )
    sampling_rate: Annotated[float, Field(ge=0, le=1)] | None = (
        None  # share of requests that are kept, where a collection does not say
    )
    request_logging: RequestLogging | None = None  # accepted without effect
    destination: str | None = None  # folder in a datastore (default: modelDataCollector of workspaceblobstore)


class ResourceAmounts(Form):
    """Amounts as Kubernetes writes them: 0.5, 500m, 2Gi."""

    cpu: str | None = None  # cores; of limits: held where a container runs
    memory: str | None = None  # as in 512Mi; of limits: a worker that takes more is ended
    gpu: str | None = None  # cards; accepted without effect


class KubernetesResources(Form):
    """What a worker asks for, and what it may take."""

    requests: ResourceAmounts | None = None  # accepted without effect
    limits: ResourceAmounts | None = None  # memory is held; of a container, cores too


class OnlineDeployment(Described):
    """What an online endpoint runs; with `type: kubernetes` on Kubernetes."""

    name: Name  # of the deployment
    type: Annotated[Literal["managed", "kubernetes"], Fold] | None = None  # both run on this machine
    endpoint_name: Name  # of its endpoint
    model: ModelValue | None = None  # registered, or uploaded from here
    code_configuration: CodeConfiguration | None = None  # the scoring script; not needed for MLflow and ONNX models
    environment: EnvironmentValue | None = None  # of the workers; an MLflow model has its own; an image with its routes
    environment_variables: TextMap | None = None  # that the script, or the container, sees
    instance_type: str | None = None  # accepted without effect: workers run on this machine
    instance_count: Annotated[int, Field(ge=0)] | None = None  # workers (default 1)
    scale_settings: ScaleSettings | None = None  # how the number of workers follows the load
    request_settings: RequestSettings | None = None  # how requests are held
    liveness_probe: Probe | None = None  # used for the time of `init` where no other is given
    readiness_probe: Probe | None = None  # used for the time of `init`
    startup_probe: Probe | None = None  # used for the time of `init`, before the others
    resources: KubernetesResources | None = None  # limits of a worker
    data_collector: DataCollector | None = None  # what is kept of requests and answers
    model_mount_path: str | None = None  # of a container: folder below which the model lies, by name and version
    app_insights_enabled: bool | None = None  # accepted without effect
    egress_public_network_access: Annotated[Literal["enabled", "disabled"], Fold] | None = (
        None  # enabled: a container gets the network of its engine; else it has none
    )
    private_network_connection: bool | None = None  # accepted without effect
    with_package: bool | None = None  # accepted without effect


class BatchResources(Form):
    """Nodes of a batch job."""

    instance_count: Annotated[int, Field(ge=1)] | None = None  # nodes, each with its workers; all on this machine
    instance_type: str | None = None  # kept; no effect here
    properties: dict[str, Any] | None = None  # kept; no effect here


OutputAction = Annotated[Literal["append_row", "summary_only"], Fold]


class BatchSettings(Form):
    """How a batch job cuts its input, and how much may fail."""

    mini_batch_size: BatchSize | None = None  # files of a mini-batch, 10 if not given; or bytes, such as 10mb
    max_concurrency_per_instance: Annotated[int, Field(ge=1)] | None = None  # workers of each node; 1 if not given
    output_action: OutputAction | None = None  # `append_row` if not given; with `summary_only` the script writes files
    output_file_name: str | None = None  # where rows are appended; `predictions.csv` if not given
    retry_settings: RetrySettings | None = None  # of each mini-batch: 2 retries and 600 s if not given
    error_threshold: int | None = None  # failed files that are tolerated; -1, any number
    logging_level: LogLevel | None = None  # of Python's `logging` in the script; `info` if not given
    environment_variables: TextMap | None = None  # set for the script


class BatchDeployment(Described):
    """What every batch deployment has."""

    name: Name  # of the deployment
    endpoint_name: Name  # of its endpoint
    type: str  # model or pipeline


class ModelBatchDeployment(BatchDeployment, BatchSettings):
    """A model over the files of an input. Settings stand under `settings`, in older files beside it."""

    type: Annotated[Literal["model"], Fold] = "model"
    model: ModelValue | None = None  # azureml:NAME:VERSION, azureml:NAME@latest, or written in place
    code_configuration: CodeConfiguration | None = None  # the script; an MLflow model needs none
    environment: EnvironmentValue | None = None  # of the script; of an MLflow model its own if not given
    compute: str | None = None  # name of a compute; `local` if not given
    resources: BatchResources | None = None  # how many nodes
    settings: BatchSettings | None = None  # how the input is cut, and how much may fail


class PipelineBatchDeployment(BatchDeployment):
    """A pipeline with the input of each invocation."""

    type: Literal["pipeline"]
    component: Annotated[str | PipelineComponent | None, component_of("pipeline")] = None
    """A pipeline component: name, address, file or the component itself."""
    job_definition: str | None = None  # azureml:JOB: the pipeline of a job that ran
    settings: Settings | None = None  # of the pipeline, such as `default_compute`
    compute: str | None = None  # of its steps

    @model_validator(mode="after")
    def _one_pipeline(self) -> PipelineBatchDeployment:
        if (self.component is None) == (self.job_definition is None):
            raise fault("a pipeline deployment has either `component` or `job_definition`")
        return self


BATCH_DEPLOYMENTS: dict[str, type[BatchDeployment]] = {
    "model": ModelBatchDeployment,
    "pipeline": PipelineBatchDeployment,
}
