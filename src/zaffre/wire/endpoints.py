"""Endpoints and deployments on the wire: what those of both kinds, online and batch, have in common."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from zaffre.core.permissions import Permission
from zaffre.wire.operation import Empty, Operation, View, WorkspaceRequest


class PutEndpoint(WorkspaceRequest):
    """The document. One of that name is replaced; an online endpoint keeps its keys and, if none is given, traffic."""

    spec: dict[str, Any]


class EndpointRef(WorkspaceRequest):
    name: str


class UpdateEndpoint(EndpointRef):
    """A merge patch of the document: None takes a field away."""

    changes: dict[str, Any]


class PutDeployment(WorkspaceRequest):
    """The document, closed; `endpoint_name` is in it. One of that name is replaced."""

    spec: dict[str, Any]
    all_traffic: bool = False  # once it runs it takes all of the endpoint's traffic; of batch: it becomes the default


class ListDeployments(WorkspaceRequest):
    endpoint: str


class DeploymentRef(ListDeployments):
    name: str


class UpdateDeployment(DeploymentRef):
    """A merge patch of the document: None takes a field away."""

    changes: dict[str, Any]


class EndpointView(View):
    """The fields of the document, and these."""

    name: str
    provisioning_state: str  # Creating, Updating, Deleting, Succeeded, Failed
    message: str | None = None  # why it has this state
    scoring_uri: str | None = None
    openapi_uri: str | None = None
    revision: int = 1
    created_at: str | None = None
    changed_at: str | None = None
    created_by: str | None = None


class EndpointList(View):
    items: list[EndpointView]


class DeploymentView(View):
    """The fields of the document, and these."""

    name: str
    endpoint_name: str
    provisioning_state: str
    message: str | None = None
    revision: int = 1
    created_at: str | None = None
    changed_at: str | None = None
    created_by: str | None = None


class DeploymentList(View):
    items: list[DeploymentView]


class ChangeView(View):
    """One change of an endpoint."""

    at: str
    verb: str
    deployment: str | None = None
    before: dict[str, Any] | None = Field(default=None)
    after: dict[str, Any] | None = Field(default=None)
    reason: str | None = None
    changed_by: str | None = None


class ChangeList(View):
    items: list[ChangeView]


class Operations:
    """The operations that endpoints of a kind (`online`, `batch`) and their deployments have."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        many = f"/workspaces/{{workspace}}/{kind}-endpoints"
        one, inner = f"{many}/{{name}}", f"{many}/{{endpoint}}/deployments"
        deployment = f"{inner}/{{name}}"
        read, write = Permission.ENDPOINTS_READ, Permission.ENDPOINTS_WRITE
        self.path, self.deployment_path = one, deployment

        def of(noun: str, verb: str, method: str, path: str, request: Any, response: Any, may: Any, says: str) -> Any:
            return Operation(f"{kind}-{noun}.{verb}", method, path, request, response, may, says)

        def endpoint(verb: str, method: str, path: str, request: Any, response: Any, may: Any, says: str) -> Any:
            return of("endpoint", verb, method, path, request, response, may, f"{says} {kind} endpoint")

        def inside(verb: str, method: str, path: str, request: Any, response: Any, may: Any, says: str) -> Any:
            return of("deployment", verb, method, path, request, response, may, f"{says} {kind} deployment")

        self.create = endpoint("create", "POST", many, PutEndpoint, EndpointView, write, "Create or change an")
        self.list = endpoint("list", "GET", many, WorkspaceRequest, EndpointList, read, "List every")
        self.show = endpoint("show", "GET", one, EndpointRef, EndpointView, read, "Show an")
        self.update = endpoint("update", "PATCH", one, UpdateEndpoint, EndpointView, write, "Change an")
        self.delete = endpoint("delete", "DELETE", one, EndpointRef, Empty, write, "Delete an")
        self.create_deployment = inside("create", "POST", f"/workspaces/{{workspace}}/{kind}-deployments",
                                        PutDeployment, DeploymentView, write, "Create or change a")  # fmt: skip
        self.list_deployments = inside("list", "GET", inner, ListDeployments, DeploymentList, read, "List every")
        self.show_deployment = inside("show", "GET", deployment, DeploymentRef, DeploymentView, read, "Show a")
        self.update_deployment = inside("update", "PATCH", deployment, UpdateDeployment, DeploymentView, write,
                                        "Change a")  # fmt: skip
        self.delete_deployment = inside("delete", "DELETE", deployment, DeploymentRef, Empty, write, "Delete a")

    def all(self) -> tuple[Operation[Any, Any], ...]:
        return (
            self.create, self.list, self.show, self.update, self.delete, self.create_deployment, self.list_deployments,
            self.show_deployment, self.update_deployment, self.delete_deployment,
        )  # fmt: skip


ONLINE, BATCH = Operations("online"), Operations("batch")
