"""Pipelines as graphs on the wire. The graph never changes and has a hash; what changes is asked for apart from it."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from zaffre.core.permissions import Permission
from zaffre.wire.jobs import JobRef
from zaffre.wire.operation import Operation, View


class GraphEdge(View):
    """`target` reads output `port` of `source` as its `input`."""

    source: str
    port: str
    target: str
    input: str


class GraphNode(View):
    name: str
    kind: str  # command, pipeline ...
    component: str | None = None  # name:version
    steps: int | None = None  # of a pipeline: how many steps are in it


class GraphView(View):
    """The steps of one pipeline; one that is nested in it is a node, and a job with a graph of its own."""

    hash: str
    nodes: list[GraphNode]
    edges: list[GraphEdge]


class StepState(View):
    node: str
    job: str
    type: str
    status: str
    reason: str | None = None
    created_at: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    reused_from: str | None = None
    saved_s: float | None = None
    attempt: int = 0
    error: dict[str, Any] | None = None


class StatesView(View):
    status: str  # of the pipeline itself
    seq: str | None = None  # of the newest event that is in it: subscribe to `pipelines/{name}/states` since this one
    items: list[StepState] = Field(default_factory=list)


class CauseView(View):
    """Why a step ran, or what it was spared: "src/train.py changed at line 12", "reused from merry_falcon"."""

    cause: str
    compared_with: str | None = None  # the job whose facts differ


_JOB = "/workspaces/{workspace}/jobs/{name}"
GRAPH = Operation("jobs.graph", "GET", _JOB + "/graph", JobRef, GraphView, Permission.JOBS_READ,
                  "Steps of a pipeline and what they read of each other")  # fmt: skip
STATES = Operation("jobs.states", "GET", _JOB + "/states", JobRef, StatesView, Permission.JOBS_READ,
                   "Where each step of a pipeline stands")  # fmt: skip
CAUSE = Operation("jobs.cause", "GET", _JOB + "/cause", JobRef, CauseView, Permission.JOBS_READ,
                  "Say why a step ran or was reused")  # fmt: skip
OPERATIONS: tuple[Operation[Any, Any], ...] = (GRAPH, STATES, CAUSE)
