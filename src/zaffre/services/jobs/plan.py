"""What would run, and why: said before anything does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zaffre.core import plan as core_plan
from zaffre.core.bind import Outputs, bind
from zaffre.services.context import Context
from zaffre.services.resolve.plan import resolve
from zaffre.services.resolve.scope import Scope
from zaffre.services.reuse import lookup
from zaffre.services.reuse.explain import explain
from zaffre.services.reuse.identify import identify
from zaffre.spec.document import dump, parse
from zaffre.store import job_reuse
from zaffre.store import jobs as store
from zaffre.store.jobs import JobRecord
from zaffre.wire.jobs import PlanView, StepPlan, SubmitJob


@dataclass
class _Look:
    """One plan in the making."""

    ctx: Context
    workspace: str
    environments: Mapping[str, Any]
    steps: list[StepPlan] = field(default_factory=list)
    former_environments: dict[int, Mapping[str, Any]] = field(default_factory=dict)


def plan(ctx: Context, request: SubmitJob) -> PlanView:
    """Raises what `submit` would raise."""
    spec = dump(parse(request.spec, kind="job").spec)
    with ctx.db.read() as connection:
        resolved = resolve(Scope(ctx, connection, request.workspace), spec)
    resolved = identify(ctx, request.workspace, resolved)
    look = _Look(ctx, request.workspace, resolved["environments"])
    if resolved["kind"] == "pipeline":
        _graph(look, resolved, "", bool(resolved.get("force_rerun")))
    else:
        look.steps.append(StepPlan(step="job", runs=True, cause="a job that is no pipeline always runs"))
    steps = look.steps
    return PlanView(
        steps=steps,
        will_run=sum(item.runs is True for item in steps),
        reused=sum(item.runs is False for item in steps),
        unknown=sum(item.runs is None for item in steps),
        saved_s=round(sum(item.saved_s or 0 for item in steps), 3),
    )


def _graph(look: _Look, graph: dict[str, Any], path: str, force: bool) -> dict[str, dict[str, Any] | None]:
    """Outputs of each node; None for one that will run, whose results are not known yet.

    Ready nodes are looked up together: one question to the database per layer of the graph.
    """
    progress = core_plan.Progress(graph["nodes"], continue_on_failure=True)
    done: dict[str, Any] = {}
    layer = progress.ready_at_start()
    while layer:
        _layer(look, graph, layer, done, path, force)
        layer = [ready for name in layer for ready in progress.complete(name)]
    return done


def _layer(look: _Look, graph: dict[str, Any], names: list[str], done: dict[str, Any], path: str, force: bool) -> None:
    steps: list[tuple[str, dict[str, Any], dict[str, Any] | None, str | None]] = []
    for name in names:
        node, where = graph["nodes"][name], f"{path}.{name}" if path else name
        above = sorted(source for source in core_plan.needs(node) if done.get(source) is None)
        if node["kind"] == "pipeline":
            done[name] = _nested(look, graph, name, node, done, where, force, above)
        elif above:
            done[name] = None
            look.steps.append(_open(where, node, above, force))
        else:
            known: dict[str, Outputs] = {key: item for key, item in done.items() if item is not None}
            bound = bind(node, name, graph, known, None)
            steps.append((name, bound, *lookup.key_of(bound)))
    found = lookup.find(look.ctx, look.workspace, [key for *_, key in steps if key])
    with look.ctx.db.read() as connection:
        former = job_reuse.former_steps(connection, look.workspace, [name for name, *_ in steps])
    for name, bound, parts, key in steps:
        where = f"{path}.{name}" if path else name
        hit, problem = found.get(key or "", (None, None))
        if hit is not None and not force:
            done[name] = hit.job.outputs or {}
            look.steps.append(
                StepPlan(step=where, runs=False, cause=hit.reason, reused_from=hit.job.name, saved_s=hit.saved_s)
            )
            continue
        done[name] = None
        look.steps.append(
            StepPlan(step=where, runs=True, cause=_cause(look, bound, parts, former.get(name), hit, problem))
        )


def _cause(
    look: _Look,
    bound: dict[str, Any],
    parts: Mapping[str, Any] | None,
    former: JobRecord | None,
    hit: lookup.Hit | None,
    problem: str | None,
) -> str:
    if hit is not None:
        return "force_rerun is set"
    if problem:
        return problem
    if parts is None:
        return (
            "is_deterministic is false"
            if not bound.get("deterministic", True)
            else "the content of an input is not known"
        )
    before = _environments_of(look, former) if former else {}
    return explain(look.ctx, former, parts, bound, look.environments, before)


def _environments_of(look: _Look, job: JobRecord) -> Mapping[str, Any]:
    if job.root_id not in look.former_environments:
        with look.ctx.db.read() as connection:
            root = store.by_ids(connection, [job.root_id]).get(job.root_id)
        look.former_environments[job.root_id] = ((root.plan if root else None) or {}).get("environments") or {}
    return look.former_environments[job.root_id]


def _nested(
    look: _Look,
    graph: dict[str, Any],
    name: str,
    node: dict[str, Any],
    done: dict[str, Any],
    where: str,
    force: bool,
    above: list[str],
) -> dict[str, Any] | None:
    if above:
        for path, step in core_plan.walk(node, where):
            look.steps.append(_open(path, step, above, force or bool(node.get("force_rerun"))))
        return None
    known: dict[str, Outputs] = {key: item for key, item in done.items() if item is not None}
    bound = bind(node, name, graph, known, None)
    inner = _graph(look, bound, where, force or bool(node.get("force_rerun")))
    if any(item is None for item in inner.values()):
        return None
    return {
        port: dict((inner[item["node"]] or {}).get(item["port"], {}))
        for port, item in (bound.get("outputs") or {}).items()
        if "node" in item
    }


def _open(where: str, node: Mapping[str, Any], above: list[str], force: bool) -> StepPlan:
    """A step after one that runs: it is reused all the same if that makes what it made before (unless it never is)."""
    port = next((port for port, item in (node.get("inputs") or {}).items() if item.get("node") in above), None)
    cause = f"input `{port}` comes from {above[0]}, which runs" if port else f"follows {above[0]}, which runs"
    if force:
        return StepPlan(step=where, runs=True, cause="force_rerun is set")
    if not node.get("deterministic", True):
        return StepPlan(step=where, runs=True, cause="is_deterministic is false")
    return StepPlan(step=where, runs=None, cause=f"{cause}: runs unless the result is the same")
