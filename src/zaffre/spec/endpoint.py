"""Endpoints: addresses that answer with what their deployments say."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from zaffre.spec.common import Described, IdentityHere
from zaffre.spec.form import Fold, Form, Name
from zaffre.spec.loading import fault

AuthMode = Annotated[Literal["key", "aad_token", "aml_token"], Fold]
Percent = Annotated[int, Field(ge=0, le=100)]


class OnlineEndpoint(Described):
    """An endpoint that answers at once."""

    name: Name  # of the endpoint, in its address
    auth_mode: AuthMode | None = None  # key if not given
    compute: str | None = None  # of Kubernetes
    traffic: dict[str, Percent] | None = None  # percent of requests by deployment
    mirror_traffic: dict[str, Percent] | None = None  # copies of requests, answers are thrown away
    identity: IdentityHere = None  # accepted without effect: workers run as the user of the server
    public_network_access: Annotated[Literal["enabled", "disabled"], Fold] | None = (
        None  # accepted without effect: the server says where it listens
    )
    type: str | None = None  # accepted without effect

    @model_validator(mode="after")
    def _whole(self) -> OnlineEndpoint:
        total = sum((self.traffic or {}).values())
        if total not in (0, 100):
            raise fault(f"the traffic adds up to {total} percent; it must be 100, or 0")
        if sum((self.mirror_traffic or {}).values()) > 50:
            raise fault("at most 50 percent of the traffic can be mirrored")
        return self


class BatchDefaults(Form):
    """What an invocation uses."""

    deployment_name: str | None = None  # of the deployment


class BatchEndpoint(Described):
    """An endpoint that starts jobs."""

    name: Name  # of the endpoint
    auth_mode: AuthMode | None = None  # kept; who may call the server may invoke it
    defaults: BatchDefaults | None = None  # the deployment that is used when none is named
    identity: IdentityHere = None  # accepted without effect: jobs run as the user of the server
    public_network_access: Annotated[Literal["enabled", "disabled"], Fold] | None = None  # kept; no effect here
    type: str | None = None  # accepted in files that came from Azure ML


class ServerlessEndpoint(Described):
    """A model of a catalogue, served."""

    name: Name
    model_id: str
    auth_mode: AuthMode | None = None
    location: str | None = None
    headers: dict[str, Any] | None = None
