"""Workspaces, datastores and computes on the wire."""

from __future__ import annotations

from typing import Any

from zaffre.core.permissions import Permission
from zaffre.wire.operation import Empty, Operation, Request, View, WorkspaceRequest


class PutWorkspace(Request):
    spec: dict[str, Any]


class WorkspaceRef(Request):
    workspace: str = "default"


class Nothing(Request):
    pass


class WorkspaceView(View):
    """The fields of the document, and these."""

    name: str
    mlflow_tracking_uri: str | None = None
    created_at: str | None = None


class WorkspaceList(View):
    items: list[WorkspaceView]


class PutResource(WorkspaceRequest):
    spec: dict[str, Any]


class ResourceRef(WorkspaceRequest):
    name: str


class UpdateResource(ResourceRef):
    changes: dict[str, Any]


class ResourceView(View):
    """The fields of the document (never a secret), and these."""

    name: str
    type: str


class ResourceList(View):
    items: list[ResourceView]


class ComputeJob(View):
    """A job that holds room on a compute, or waits for it and `why`."""

    name: str
    display_name: str | None = None
    node: str | None = None
    parent_job_name: str | None = None
    status: str
    since: str | None = None
    instances: int
    cpu: float
    why: str | None = None


class ComputeUse(View):
    """`instances` at once; none for the machine itself, which is bounded by its processors."""

    name: str
    type: str
    instances: int | None = None
    busy: int
    cpu: float | None = None
    cpu_busy: float
    running: list[ComputeJob]
    waiting: list[ComputeJob]  # the next ones, in their order
    waiting_count: int


class ComputeUseList(View):
    items: list[ComputeUse]


_WORKSPACE = "/workspaces/{workspace}"
CREATE_WORKSPACE = Operation("workspace.create", "POST", "/workspaces", PutWorkspace, WorkspaceView,
                             Permission.WORKSPACE_MANAGE, "Create or change a workspace")  # fmt: skip
LIST_WORKSPACES = Operation("workspace.list", "GET", "/workspaces", Nothing, WorkspaceList, Permission.SERVER_READ,
                            "List workspaces")  # fmt: skip
SHOW_WORKSPACE = Operation("workspace.show", "GET", _WORKSPACE, WorkspaceRef, WorkspaceView, Permission.WORKSPACE_READ,
                           "Show a workspace")  # fmt: skip
DELETE_WORKSPACE = Operation("workspace.delete", "DELETE", _WORKSPACE, WorkspaceRef, Empty,
                             Permission.WORKSPACE_MANAGE, "Delete an idle workspace and all in it")  # fmt: skip


class Operations:
    """The operations that datastores and computes have."""

    def __init__(self, kind: str) -> None:
        many = f"/workspaces/{{workspace}}/{kind}s"
        one = f"{many}/{{name}}"
        read, write = Permission.RESOURCES_READ, Permission.RESOURCES_WRITE

        def operation(
            verb: str, method: str, path: str, request: Any, response: Any, may: Permission, summary: str
        ) -> Any:
            return Operation(f"{kind}.{verb}", method, path, request, response, may, summary)

        self.create = operation("create", "POST", many, PutResource, ResourceView, write, f"Create or replace a {kind}")
        self.list = operation("list", "GET", many, WorkspaceRequest, ResourceList, read, f"List {kind}s")
        self.show = operation("show", "GET", one, ResourceRef, ResourceView, read, f"Show a {kind}")
        self.update = operation("update", "PATCH", one, UpdateResource, ResourceView, write, f"Change a {kind}")
        self.delete = operation("delete", "DELETE", one, ResourceRef, Empty, write, f"Delete a {kind}")

    def all(self) -> tuple[Operation[Any, Any], ...]:
        return (self.create, self.list, self.show, self.update, self.delete)


DATASTORE, COMPUTE = Operations("datastore"), Operations("compute")
USE = Operation("compute.use", "GET", _WORKSPACE + "/compute-use", WorkspaceRequest, ComputeUseList,
                Permission.RESOURCES_READ, "What runs on each compute, what waits, and why")  # fmt: skip
OPERATIONS: tuple[Operation[Any, Any], ...] = (
    CREATE_WORKSPACE, LIST_WORKSPACES, SHOW_WORKSPACE, DELETE_WORKSPACE, *DATASTORE.all(), *COMPUTE.all(), USE,
)  # fmt: skip
