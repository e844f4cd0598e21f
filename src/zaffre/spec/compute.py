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
    type: str  # `amlcompute` can be created; `local` is there; the others are read and checked
    location: str | None = None  # a region of Azure; kept
    resource_id: str | None = None  # of Azure; kept
    identity: IdentityHere = None  # accepted without effect
    ssh_settings: SshSettings | None = None  # kept
    network_settings: NetworkSettings | None = None  # kept
    cpu: Annotated[float, Field(gt=0)] | None = None  # cores of one node; kept (Zaffre)
    memory: str | None = None  # of one node, such as 8g; kept (Zaffre)
    gpu: Annotated[float, Field(ge=0)] | None = None  # graphics cards of one node; kept (Zaffre)


class Local(Compute):
    """The server's own machine (Zaffre)."""

    type: Literal["local"]
    max_instances: Annotated[int, Field(ge=1)] | None = None  # jobs at once


class AmlCompute(Compute):
    """A cluster that grows and shrinks."""

    type: Literal["amlcompute"]
    size: str | None = None  # a virtual machine size of Azure; kept for reference
    tier: Annotated[Literal["dedicated", "low_priority", "lowpriority"], Fold] | None = None  # kept
    min_instances: Annotated[int, Field(ge=0)] | None = None  # 0 if not given; nothing is kept waiting on one machine
    max_instances: Annotated[int, Field(ge=0)] | None = None
    """Jobs at once; 4 if not given. A job of several instances counts as so many."""
    idle_time_before_scale_down: Annotated[float, Field(ge=0)] | None = None  # seconds; kept
    ssh_public_access_enabled: bool | None = None  # kept
    enable_node_public_ip: bool | None = None  # kept

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
    namespace: str | None = None  # where its jobs run


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
