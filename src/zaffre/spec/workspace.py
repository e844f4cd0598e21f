"""Workspaces: the room in which jobs, data and models have their names."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from zaffre.spec.common import Described, IdentityHere
from zaffre.spec.form import Fold, Form, ResourceId


class CustomerManagedKey(Form):
    """A key of the customer's in Azure."""

    key_vault: ResourceId | None = None
    key_uri: ResourceId | None = None
    cosmosdb_id: ResourceId | None = None
    storage_id: ResourceId | None = None
    search_id: ResourceId | None = None


class OutboundDestination(Form):
    """Where an outbound rule leads."""

    service_resource_id: str | None = None
    spark_enabled: bool | None = None
    subresource_target: str | None = None
    service_tag: str | None = None
    protocol: str | None = None
    port_ranges: str | None = None
    address_prefixes: list[str] | None = None


class OutboundRule(Form):
    """What a closed network lets out."""

    name: str
    type: Annotated[Literal["fqdn", "private_endpoint", "service_tag"], Fold]
    destination: str | OutboundDestination
    category: str | None = None


class ManagedNetwork(Form):
    """Azure's closed network around a workspace."""

    isolation_mode: (
        Annotated[Literal["disabled", "allow_internet_outbound", "allow_only_approved_outbound"], Fold] | None
    ) = None
    outbound_rules: list[OutboundRule] | None = None
    firewall_sku: str | None = None
    status: dict[str, Any] | None = None


class Workspace(Described):
    """A workspace. What concerns Azure's own services is kept and has no effect."""

    location: str | None = None
    resource_group: str | None = None
    kind: str | None = None
    hub_id: str | None = None
    storage_account: ResourceId | None = None
    container_registry: ResourceId | None = None
    key_vault: ResourceId | None = None
    application_insights: ResourceId | None = None
    customer_managed_key: CustomerManagedKey | None = None
    managed_network: ManagedNetwork | None = None
    image_build_compute: str | None = None
    hbi_workspace: bool | None = None
    public_network_access: Annotated[Literal["enabled", "disabled"], Fold] | None = None
    identity: IdentityHere = None  # accepted without effect
    primary_user_assigned_identity: str | None = None
    enable_data_isolation: bool | None = None
    serverless_compute: dict[str, Any] | None = None
    system_datastores_auth_mode: str | None = None
    feature_store_settings: dict[str, Any] | None = None
    materialization_identity: dict[str, Any] | None = None
    constraints: list[str] | None = None
    """Pip constraints of every environment, where the environment itself leaves a version open (Zaffre)."""
    exclude_newer: str | None = None
    """No package published after this date, such as 2025-06-30, unless the environment says otherwise (Zaffre)."""
