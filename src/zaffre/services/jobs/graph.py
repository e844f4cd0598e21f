"""A pipeline as a graph, where its steps stand, and why each of them ran."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from zaffre.base.clock import iso
from zaffre.base.errors import InvalidRequest
from zaffre.services.context import Context
from zaffre.services.reuse.explain import explain
from zaffre.store import job_events, job_list, job_reuse
from zaffre.store import jobs as store
from zaffre.wire.graphs import CauseView, GraphEdge, GraphNode, GraphView, StatesView, StepState
from zaffre.wire.jobs import JobRef


def graph(ctx: Context, request: JobRef) -> GraphView:
    """Raises `NotFound`, `InvalidRequest` for a job that is no pipeline."""
    with ctx.db.read() as connection:
        job = store.get(connection, request.workspace, request.name)
    if job.type != "pipeline":
        raise InvalidRequest(f"job {job.name} is a {job.type}, not a pipeline", code="NotAPipeline")
    nodes: Mapping[str, Any] = (job.plan or {}).get("nodes") or {}
    shown = [
        GraphNode(name=name, kind=node["kind"], component=node.get("source"), steps=_count(node))
        for name, node in nodes.items()
    ]
    edges = [
        GraphEdge(source=item["node"], port=item.get("port", ""), target=name, input=port)
        for name, node in nodes.items()
        for port, item in (node.get("inputs") or {}).items()
        if item.get("node") in nodes
    ]
    view = GraphView(hash="", nodes=shown, edges=edges)
    view.hash = hashlib.sha256(view.model_dump_json().encode()).hexdigest()[:16]
    return view


def _count(node: Mapping[str, Any]) -> int | None:
    if node["kind"] != "pipeline":
        return None
    return sum(_count(child) or 1 for child in node.get("nodes", {}).values())


def states(ctx: Context, request: JobRef) -> StatesView:
    """Steps in the order in which they were made."""
    with ctx.db.read() as connection:
        job = store.get(connection, request.workspace, request.name)
        seq = job_events.last_event(connection, job.root_id)
        rows = job_list.step_states(connection, job.id)
        names = store.names_of(connection, {row.reused_from for row in rows if row.reused_from})
    items = [
        StepState(
            node=row.node or row.name,
            job=row.name,
            type=row.type,
            status=row.status,
            reason=row.reason,
            created_at=iso(row.created_at),
            started_at=iso(row.started_at),
            ended_at=iso(row.ended_at),
            reused_from=names.get(row.reused_from or 0),
            saved_s=row.saved_s,
            attempt=row.attempt,
            error=row.error,
        )
        for row in rows
    ]
    return StatesView(status=job.status.value, seq=str(seq) if seq else None, items=items)


def cause(ctx: Context, request: JobRef) -> CauseView:
    """What differs from the last time the same step ran before this one."""
    with ctx.db.read() as connection:
        job = store.get(connection, request.workspace, request.name)
        if job.reused_from:
            return CauseView(cause=job.reason or "its result was known")
        if not job.node:
            return CauseView(cause="a job that is no step of a pipeline always runs")
        if not job.reuse_parts:
            deterministic = (job.plan or {}).get("deterministic", True)
            said = "its turn has not come, or an input is not known by its content"
            return CauseView(cause=said if deterministic else "is_deterministic is false")
        former = job_reuse.former_steps(connection, job.workspace, [job.node], before=job.id).get(job.node)
        roots = store.by_ids(connection, {job.root_id, *([former.root_id] if former else [])})
    if former and former.reuse_key == job.reuse_key:
        return CauseView(cause="asked to run although its result was known", compared_with=former.name)
    known = {id_: (root.plan or {}).get("environments") or {} for id_, root in roots.items()}
    said = explain(
        ctx, former, job.reuse_parts, job.plan or {}, known.get(job.root_id, {}),
        known.get(former.root_id, {}) if former else {},
    )  # fmt: skip
    return CauseView(cause=said, compared_with=former.name if former else None)
