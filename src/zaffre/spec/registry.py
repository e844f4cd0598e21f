"""Registries: assets shared by several workspaces."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from zaffre.spec.common import Described, IdentityHere
from zaffre.spec.form import Fold, Form


class StorageConfig(Form):
    """Azure's storage of a region."""

    storage_account_hns: bool | None = None
    storage_account_type: str | None = None
    replicated_ids: list[str] | None = None
    replication_count: int | None = None


class ReplicationLocation(Form):
    """A region of Azure."""

    location: str
    storage_config: StorageConfig | list[str] | None = None
    acr_config: list[Any] | None = None


class Registry(Described):
    """A registry. Regions are kept and have no effect."""

    location: str | None = None
    replication_locations: list[ReplicationLocation] | None = None
    identity: IdentityHere = None
    public_network_access: Annotated[Literal["enabled", "disabled"], Fold] | None = None
    container_registry: dict[str, Any] | str | None = None
    intellectual_property: dict[str, Any] | None = None
    managed_resource_group: str | None = None
    mlflow_registry_uri: str | None = None
    discovery_url: str | None = None
    replicated_ids: list[str] | None = None
