"""What data, environments, components and models have in common on the wire: versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from zaffre.core.permissions import Permission
from zaffre.wire.jobs import Listed
from zaffre.wire.operation import NUMBER, Empty, Operation, Tags, View, WorkspaceRequest

KINDS: Mapping[str, str] = {"data": "data", "environment": "environments", "component": "components", "model": "models"}


class CreateAsset(WorkspaceRequest):
    """`spec` is the document, closed. Without a version the next number is taken."""

    spec: dict[str, Any]
    job_name: str | None = None  # the job that made it


class AssetRef(WorkspaceRequest):
    """A version, or the one that a label points to; neither means `latest`."""

    name: str
    version: str | None = None
    label: str | None = None


class ListAssets(WorkspaceRequest):
    """Without a name: the newest version of each; with one: all of its versions."""

    name: str | None = None
    listed: Listed = "active"
    tag: str | None = None
    max_results: int = Field(default=1000, ge=1, le=100_000)
    cursor: str | None = None


class UpdateAsset(AssetRef):
    description: str | None = None
    tags: Tags | None = None
    properties: dict[str, str | None] | None = None
    labels: list[str] | None = None  # these labels point here from now on


class AssetVersion(AssetRef):
    """A version, or without one every version of the name."""


class ListFiles(AssetRef):
    """A folder of a version; `path` is below it, "" its top."""

    path: str = ""
    max_results: int = Field(default=1000, ge=1, le=10_000)
    cursor: str | None = None


class ReadAssetFile(AssetRef):
    """A file of a version; `path` of one that is a single file may be left out."""

    path: str = ""
    render: bool = False


class AssetView(View):
    """The fields of the document, and these."""

    name: str
    version: str
    type: str | None = None
    description: str | None = None
    path: str | None = None
    tags: dict[str, Any] = Field(default_factory=dict)
    properties: dict[str, Any] = Field(default_factory=dict)
    labels: list[str] = Field(default_factory=list)
    archived: bool = False
    created_at: str | None = None
    creation_context: dict[str, Any] = Field(default_factory=dict)
    job_name: str | None = None  # made by


class AssetList(View):
    items: list[AssetView]
    cursor: str | None = None


class LineageEdge(View):
    """`job` used or made `ref` (kind and name:version, an output of a job, or an address) at its `port`."""

    job: str
    job_status: str
    direction: str
    port: str
    kind: str
    ref: str


class LineageView(View):
    made_by: list[LineageEdge]
    used_by: list[LineageEdge]


class ReadBuildLog(AssetRef):
    """The log from a byte on; go on with `next_offset` of the answer."""

    offset: int = Field(default=0, ge=0, le=NUMBER)


class BuildLogView(View):
    """How it stands with the build of an environment on this server, and what it printed.

    `state` is building, built, failed, canceled, or absent: no job asked for it yet, or it was removed since.
    """

    name: str
    version: str
    state: str
    key: str  # of what is built; environments with equal packages share one
    text: str
    offset: int  # of the first byte of `text`
    next_offset: int
    error: dict[str, Any] | None = None  # of a build that failed: code, message, hint
    ended_at: str | None = None


class Operations:
    """The operations that every versioned noun has."""

    def __init__(self, kind: str) -> None:
        many = f"/workspaces/{{workspace}}/{KINDS[kind]}"
        one = f"{many}/{{name}}"
        read, write = Permission.ASSETS_READ, Permission.ASSETS_WRITE

        def operation(
            verb: str, method: str, path: str, request: Any, response: Any, may: Permission, summary: str
        ) -> Any:
            return Operation(f"{kind}.{verb}", method, path, request, response, may, summary)

        self.create = operation("create", "POST", many, CreateAsset, AssetView, write, f"Create a version of a {kind}")
        self.list = operation("list", "GET", many, ListAssets, AssetList, read, f"List {KINDS[kind]}")
        self.show = operation("show", "GET", one, AssetRef, AssetView, read, f"Show a version of a {kind}")
        self.update = operation(
            "update", "PATCH", one, UpdateAsset, AssetView, write, "Change description, tags, labels"
        )
        self.archive = operation("archive", "POST", one + "/archive", AssetVersion, Empty, write, "Hide from lists")
        self.restore = operation("restore", "POST", one + "/restore", AssetVersion, Empty, write, "Show in lists again")
        self.delete = operation("delete", "DELETE", one, AssetVersion, Empty, write, "Delete; refused while in use")
        self.lineage = operation(
            "lineage", "GET", one + "/lineage", AssetRef, LineageView, read, "What made and used it"
        )

    def all(self) -> tuple[Operation[Any, Any], ...]:
        return (self.create, self.list, self.show, self.update, self.archive, self.restore, self.delete, self.lineage)


ENVIRONMENT = Operations("environment")
COMPONENT = Operations("component")
BUILD_LOG = Operation("environment.build_log", "GET", "/workspaces/{workspace}/environments/{name}/build-log",
                      ReadBuildLog, BuildLogView, Permission.ASSETS_READ,
                      "Read what the build of an environment printed")  # fmt: skip
OPERATIONS: tuple[Operation[Any, Any], ...] = (*ENVIRONMENT.all(), BUILD_LOG, *COMPONENT.all())
