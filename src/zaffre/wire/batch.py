"""Batch endpoints on the wire: what they have besides what all endpoints have."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from zaffre.core.permissions import Permission
from zaffre.wire.endpoints import BATCH, EndpointRef
from zaffre.wire.jobs import JobList, JobView
from zaffre.wire.operation import Operation


class InvokeEndpoint(EndpointRef):
    """Start a job. Local files were uploaded before; an input is a plain value, or a mapping with `type` and `path`."""

    deployment_name: str | None = None  # the default one if not given
    inputs: dict[str, Any] = Field(default_factory=dict)
    input: dict[str, Any] | None = None  # the one input of a model or pipeline that has one
    outputs: dict[str, Any] = Field(default_factory=dict)  # where outputs go: a mapping with `path`
    output_path: str | None = None  # where the one output goes
    settings: dict[str, Any] = Field(default_factory=dict)  # of a model: in place of those of the deployment
    job_name: str | None = None
    experiment_name: str | None = None


class ListInvocations(EndpointRef):
    deployment_name: str | None = None
    max_results: int = Field(default=100, ge=1, le=100_000)
    cursor: str | None = None


INVOKE = Operation("batch-endpoint.invoke", "POST", f"{BATCH.path}/jobs", InvokeEndpoint, JobView,
                   Permission.ENDPOINTS_INVOKE, "Start a job of a batch endpoint")  # fmt: skip
LIST_JOBS = Operation("batch-endpoint.jobs", "GET", f"{BATCH.path}/jobs", ListInvocations, JobList,
                      Permission.JOBS_READ, "List the jobs of a batch endpoint, newest first")  # fmt: skip
OPERATIONS: tuple[Operation[Any, Any], ...] = (*BATCH.all(), INVOKE, LIST_JOBS)
