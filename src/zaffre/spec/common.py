"""Parts that several kinds of jobs have."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from zaffre.base.limits import KEY_LENGTH, TAG_LENGTH, TAGS
from zaffre.spec.expression import single
from zaffre.spec.form import Fold, Form, LocalPath, Name, TextMap, no_effect
from zaffre.spec.loading import fault


def expression_only(value: str) -> str:
    if single(value) is None:
        raise fault(f"`{value}` is neither a number nor an expression")
    return value


Expression = Annotated[str, AfterValidator(expression_only)]
Count = Annotated[int, Field(ge=1)] | Expression


class Resources(Form):
    """What one node of a job needs. Without cpu, memory and gpu a job takes one slot of its compute."""

    instance_count: Count | None = None  # nodes; with `distribution` each runs the command
    instance_type: str | None = None
    max_instance_count: Count | None = None
    shm_size: str | None = None  # shared memory of a container, such as 2g
    docker_args: str | list[str] | None = None
    locations: list[str] | None = None
    properties: dict[str, Any] | None = None
    cpu: Annotated[float, Field(gt=0)] | None = None  # cores (Zaffre)
    memory: str | None = None  # such as 500m or 4g; a number is megabytes (Zaffre)
    gpu: Annotated[float, Field(ge=0)] | None = None  # (Zaffre)


class Limits(Form):
    """Bounds of a job."""

    timeout: Annotated[float, Field(gt=0)] | Expression | None = None  # seconds until the job is stopped


class RetrySettings(Form):
    """How often a failed job is tried again."""

    max_retries: Annotated[int, Field(ge=0)] | None = None
    timeout: Annotated[float, Field(gt=0)] | None = None  # seconds for one try
    backoff: Annotated[float, Field(ge=0)] | None = None  # seconds before the first retry, doubled each time (Zaffre)


class Distribution(Form):
    """Several processes that work together."""

    type: Annotated[Literal["pytorch", "tensorflow", "mpi", "ray"], Fold]
    process_count_per_instance: Count | None = None
    worker_count: Count | None = None  # tensorflow
    parameter_server_count: Annotated[int, Field(ge=0)] | None = None  # tensorflow
    port: int | None = None  # ray
    address: str | None = None  # ray
    include_dashboard: bool | None = None  # ray
    dashboard_port: int | None = None  # ray
    head_node_additional_args: str | None = None  # ray
    worker_node_additional_args: str | None = None  # ray


class UserIdentity(Form):
    """A managed identity in Azure."""

    resource_id: str | None = None
    client_id: str | None = None
    principal_id: str | None = None
    object_id: str | None = None


class Identity(Form):
    """As whom Azure runs the job. Jobs run as the user of the server here."""

    type: str
    client_id: str | None = None
    object_id: str | None = None
    resource_id: str | None = None
    principal_id: str | None = None
    tenant_id: str | None = None
    user_assigned_identities: list[UserIdentity] | None = None


class QueueSettings(Form):
    """Azure's job tiers; `priority` orders the queue."""

    job_tier: Annotated[Literal["null", "spot", "basic", "standard", "premium"], Fold] | None = None
    priority: Annotated[Literal["low", "medium", "high"], Fold] | None = None


class JobService(Form):
    """An interactive application beside the job."""

    type: Annotated[Literal["vs_code", "jupyter_lab", "tensor_board", "ssh", "custom"], Fold] | None = None
    job_service_type: str | None = None
    log_dir: str | None = None  # tensor_board
    nodes: str | None = None
    port: int | None = None
    endpoint: str | None = None
    status: str | None = None
    ssh_public_keys: str | None = None
    properties: TextMap | None = None


class CodeConfiguration(Form):
    """The scoring code of a deployment."""

    code: LocalPath | None = None
    scoring_script: str


def not_too_many(value: dict[str, str]) -> dict[str, str]:
    if len(value) > TAGS:
        raise fault(f"there are {len(value):,} tags; at most {TAGS:,} can be given")
    for key, text in value.items():
        if not 0 < len(key) <= KEY_LENGTH or len(text) > TAG_LENGTH:
            raise fault(
                f"the tag `{key[:40]}` is too long: a key has 1 to {KEY_LENGTH} characters, a value {TAG_LENGTH}"
            )
    return value


Tags = Annotated[TextMap, AfterValidator(not_too_many)]
IdentityHere = Annotated[Identity | None, AfterValidator(no_effect("identity"))]
QueueHere = Annotated[QueueSettings | None, AfterValidator(no_effect("queue_settings"))]
ServicesHere = Annotated[dict[str, JobService] | None, AfterValidator(no_effect("services"))]


class Described(Form):
    """What every job and asset may say about itself."""

    name: Name | None = None
    display_name: str | None = None
    description: str | None = None
    tags: Tags | None = None
    properties: dict[str, Any] | None = None


class JobFields(Described):
    """What every kind of job may say."""

    experiment_name: str | None = None
    compute: str | None = None
    identity: IdentityHere = None
    services: ServicesHere = None
    queue_settings: QueueHere = None
