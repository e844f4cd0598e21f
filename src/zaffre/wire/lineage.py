"""Lineage on the wire: what a thing was made from and what came of it, some jobs away."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from zaffre.core.permissions import Permission
from zaffre.wire.operation import Operation, View, WorkspaceRequest

Kind = Literal["job", "data", "model", "environment", "component"]


class TraceLineage(WorkspaceRequest):
    """From a job, or a version of an asset (the newest, if none is given). `depth` counts the jobs on the way."""

    kind: Kind
    name: str = Field(min_length=1, max_length=255)
    version: str | None = Field(default=None, max_length=255)
    direction: Literal["up", "down", "both"] = "both"
    depth: int = Field(default=2, ge=1, le=5)


class LineageNode(View):
    """A job, a version of an asset, an output of a job (`name` is job/output), or an address outside.

    `level` counts the edges from where the trace began: below 0 it was made from, above 0 it came of it. `more`: it has
    neighbours that are not in the answer.
    """

    id: str
    kind: str  # job, data, model, environment, component, output, uri
    name: str
    version: str | None = None
    title: str | None = None  # of a job
    status: str | None = None  # of a job
    level: int
    more: bool = False


class LineageArrow(View):
    """`source` was used by, or made, `target`, at this port of the job."""

    source: str
    target: str
    port: str


class LineageGraph(View):
    root: str
    nodes: list[LineageNode]
    edges: list[LineageArrow]


GRAPH = Operation("lineage.graph", "GET", "/workspaces/{workspace}/lineage", TraceLineage, LineageGraph,
                  Permission.ASSETS_READ, "What something was made from and what came of it")  # fmt: skip
OPERATIONS: tuple[Operation[Any, Any], ...] = (GRAPH,)
