"""Computes: where jobs run."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from zaffre.spec.common import Described, IdentityHere
from zaffre.spec.form import Fold, Form, Name
from zaffre.spec.loading import fault


class SshSettings(Form):
    """A user of the nodes; kept for reference."""

    admin_username: str | None = None
    admin_password: str | None = None
    ssh_key_value: str | None = None
    ssh_private_key_file: str | None = None
    ssh_port: int | None = None


class NetworkSettings(Form):
    """Azure's virtual network."""

    vnet_name: str | None = None
    subnet: str | None = None


class Compute(Described):
    """What every compute has."""

    name: Name
    type: str
    location: str | None = None
    resource_id: str | None = None
    identity: IdentityHere = None
    ssh_settings: SshSettings | None = None
    network_settings: NetworkSettings | None = None
    cpu: Annotated[float, Field(gt=0)] | None = None  # cores of one node (Zaffre)
    memory: str | None = None  # memory of one node, such as 8g (Zaffre)
    gpu: Annotated[float, Field(ge=0)] | None = None  # (Zaffre)


class Local(Compute):
    """The server's own machine (Zaffre)."""

    type: Literal["local"]
    max_instances: Annotated[int, Field(ge=1)] | None = None  # jobs at once


class AmlCompute(Compute):
    """A cluster that grows and shrinks."""

    type: Literal["amlcompute"]
    size: str | None = None  # a virtual machine size of Azure; kept for reference
    tier: Annotated[Literal["dedicated", "low_priority", "lowpriority"], Fold] | None = None
    min_instances: Annotated[int, Field(ge=0)] | None = None
    max_instances: Annotated[int, Field(ge=0)] | None = None
    idle_time_before_scale_down: Annotated[float, Field(ge=0)] | None = None  # seconds
    ssh_public_access_enabled: bool | None = None
    enable_node_public_ip: bool | None = None

    @model_validator(mode="after")
    def _bounds(self) -> AmlCompute:
        if (
            self.min_instances is not None
            and self.max_instances is not None
            and self.min_instances > self.max_instances
        ):
            raise fault(f"min_instances ({self.min_instances}) is above max_instances ({self.max_instances})")
        return self


class ComputeInstance(Compute):
    """One machine for interactive work."""

    type: Literal["computeinstance"]
    size: str | None = None
    schedules: dict[str, Any] | None = None
    idle_time_before_shutdown: str | None = None
    idle_time_before_shutdown_minutes: int | None = None
    setup_scripts: dict[str, Any] | None = None
    create_on_behalf_of: dict[str, Any] | None = None
    custom_applications: list[dict[str, Any]] | None = None
    enable_node_public_ip: bool | None = None
    enable_sso: bool | None = None
    enable_root_access: bool | None = None
    enable_os_patching: bool | None = None
    release_quota_on_stop: bool | None = None


class Kubernetes(Compute):
    """A Kubernetes cluster."""

    type: Literal["kubernetes"]
    namespace: str | None = None


class VirtualMachine(Compute):
    """A machine reached by ssh."""

    type: Literal["virtualmachine"]


class SynapseSpark(Compute):
    """A Spark pool."""

    type: Literal["synapsespark"]
    node_count: int | None = None
    node_family: str | None = None
    node_size: str | None = None
    spark_version: str | None = None
    scale_settings: dict[str, Any] | None = None
    auto_pause_settings: dict[str, Any] | None = None


COMPUTES: dict[str, type[Compute]] = {
    "local": Local,
    "amlcompute": AmlCompute,
    "computeinstance": ComputeInstance,
    "kubernetes": Kubernetes,
    "virtualmachine": VirtualMachine,
    "synapsespark": SynapseSpark,
}
