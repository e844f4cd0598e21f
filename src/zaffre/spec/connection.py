"""Connections: addresses outside, with credentials that are kept encrypted and never shown."""

from __future__ import annotations

from typing import Annotated, Literal

from zaffre.spec.common import Described
from zaffre.spec.form import Fold, Form, Name


class ConnectionCredentials(Form):
    """How to enter. Which fields are needed depends on `type`."""

    type: Annotated[
        Literal[
            "username_password", "access_key", "account_key", "pat", "managed_identity", "sas", "sas_token", "api_key",
            "service_principal", "aad", "none", "custom_keys", "oauth2", "user_identity",
        ],
        Fold,
    ]  # fmt: skip
    username: str | None = None
    password: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = None
    account_key: str | None = None
    pat: str | None = None
    sas_token: str | None = None
    key: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    tenant_id: str | None = None
    resource_id: str | None = None


class Connection(Described):
    """A named address outside of the platform."""

    name: Name
    type: Annotated[str, Fold]
    target: str | None = None
    credentials: ConnectionCredentials | None = None
    is_shared: bool | None = None
    metadata: dict[str, str] | None = None
    endpoint: str | None = None
    azure_endpoint: str | None = None
    api_base: str | None = None
    api_key: str | None = None
    api_type: str | None = None
    api_version: str | None = None
    open_ai_resource_id: str | None = None
    url: str | None = None
    container_name: str | None = None
    account_name: str | None = None
