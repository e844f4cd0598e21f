"""A pipeline: its ready nodes become jobs, those whose result is known are reused, and it ends when they have."""

from __future__ import annotations

from typing import Any

from zaffre.base.clock import now_ms
from zaffre.base.errors import ZaffreError
from zaffre.base.ids import job_name, sequence
from zaffre.core import plan as core_plan
from zaffre.core.bind import bind
from zaffre.core.job_state import Status
from zaffre.engine.job import ending
from zaffre.engine.live import Live
from zaffre.engine.motor import Motor
from zaffre.services.jobs.lineage import edge_of
from zaffre.services.jobs.spec_of_node import spec_of_node
from zaffre.services.reuse import lookup
from zaffre.services.reuse.identify import identify, unidentified
from zaffre.store import jobs as store
from zaffre.store.jobs import JobRecord


def begin(motor: Motor, live: Live) -> None:
    """A queued pipeline starts: the content behind its addresses is identified first, as steps are keyed by it."""
    if not unidentified(live.plan):
        return _run(motor, live)
    motor.batch.move(live, Status.PREPARING, "reading inputs")
    live.busy = True
    motor.batch.after.append((live, lambda: motor.work(live, lambda: _identify(motor, live))))
    return None


def _identify(motor: Motor, live: Live) -> None:
    try:
        plan = identify(motor.ctx, live.job.workspace, live.plan)
    except ZaffreError as error:
        problem = error
        motor.answer(live, lambda: _identified(motor, live, None, problem))
    except OSError as error:
        wrapped = ending.of_os(error)
        motor.answer(live, lambda: _identified(motor, live, None, wrapped))
    else:
        motor.answer(live, lambda: _identified(motor, live, plan, None))


def _identified(motor: Motor, live: Live, plan: dict[str, Any] | None, problem: ZaffreError | None) -> None:
    live.busy = False
    if live.job.cancel:
        return ending.canceled(motor, live)
    if problem:
        return ending.failed(motor, live, problem.code, problem.message, problem.hint)
    live.job.plan = plan
    return _run(motor, live, plan=plan)


def _run(motor: Motor, live: Live, **changes: Any) -> None:
    if live.job.status is Status.PREPARING:  # Preparing goes on through Starting, as steps do
        motor.batch.move(live, Status.STARTING)
    motor.batch.move(live, Status.RUNNING, None, started_at=now_ms(), **changes)
    live.progress = core_plan.Progress(live.plan["nodes"], bool(live.plan.get("continue_on_failure")))
    motor.dirty[live.job.id] = (live, live.progress.ready_at_start())


def child_ended(motor: Motor, child: Live) -> None:
    parent = child.parent
    assert parent is not None
    assert parent.progress is not None
    node = str(child.job.node)
    parent.children -= 1
    _, ready = motor.dirty.setdefault(parent.job.id, (parent, []))
    if child.job.status is Status.COMPLETED:
        parent.done[node] = child.job.outputs or {}
        ready += parent.progress.complete(node)
    else:
        parent.progress.fail(node)


def advance(motor: Motor, live: Live, ready: list[str]) -> None:
    """Turn ready nodes into jobs; a reused one may make others ready at once, so go on until there are no more."""
    progress = live.progress
    if progress is None:
        if live.job.status is Status.CANCEL_REQUESTED and not live.busy:
            ending.canceled(motor, live)
        return
    while ready and progress.may_start and not live.job.cancel:
        ready = _create(motor, live, ready)
    if not live.children:
        _end(motor, live)


def _create(motor: Motor, live: Live, ready: list[str]) -> list[str]:
    """Returns the nodes that became ready because others were reused."""
    assert live.progress is not None
    numbers = sequence(len(ready))
    now = now_ms()
    created: list[Live] = []
    for offset, name in enumerate(ready):
        node = live.plan["nodes"][name]
        path = f"{live.path}.{name}" if live.path else name
        bound = bind(node, name, live.plan, live.done, None)
        job = JobRecord(
            id=numbers + offset,
            workspace=live.job.workspace,
            name=job_name(),
            type=node["kind"],
            status=Status.QUEUED,
            root_id=live.job.root_id,
            parent_id=live.job.id,
            node=name,
            experiment_id=live.job.experiment_id,
            spec=spec_of_node(live.job.spec, name),
            display_name=name,
            compute=bound.get("compute"),
            priority=live.job.priority,
            created_by=live.job.created_by,
            created_at=now,
            changed_at=now,
            plan=bound,
            facts=_facts(live, bound),
        )
        created.append(Live(job, live.tree, path, live))
    hits = _hits(motor, live, created)
    became_ready: list[str] = []
    for child in created:
        motor.batch.create(child.job)
        _lineage(motor, child)
        hit = hits.get(child.job.id)
        if hit is not None:
            became_ready += _reuse(motor, live, child, hit)
            continue
        live.tree.living[child.job.id] = child
        live.children += 1
        if child.job.type == "pipeline":
            begin(motor, child)
        else:
            motor.enqueue(child)
    return became_ready


def _hits(motor: Motor, live: Live, created: list[Live]) -> dict[int, lookup.Hit]:
    """Which of the new steps have a known result. Each gets its reuse key; a known but damaged result is said."""
    kept = live.tree.kept
    if kept:
        return _kept(motor, created, kept)
    wanted: dict[str, list[Live]] = {}
    for child in created:
        child.job.reuse_parts, child.job.reuse_key = lookup.key_of(child.plan)
        if child.job.reuse_key:
            wanted.setdefault(child.job.reuse_key, []).append(child)
    if _rerun(live) or not wanted:
        return {}
    hits: dict[int, lookup.Hit] = {}
    for key, (hit, problem) in lookup.find(motor.ctx, live.job.workspace, list(wanted)).items():
        for child in wanted[key]:
            if hit is not None:
                hits[child.job.id] = hit
            else:
                child.job.reason = f"runs again: {problem}"
    return hits


def _kept(motor: Motor, created: list[Live], kept: dict[str, int]) -> dict[int, lookup.Hit]:
    """A resumed pipeline: what completed before is kept, whether or not it is deterministic."""
    with motor.ctx.db.read() as connection:
        former = store.by_ids(connection, [kept[child.path] for child in created if child.path in kept])
    hits = {}
    for child in created:
        child.job.reuse_parts, child.job.reuse_key = lookup.key_of(child.plan)
        job = former.get(kept.get(child.path, 0))
        if job is not None and (problem := lookup.damage(motor.ctx, job)) is None:
            hits[child.job.id] = lookup.Hit(job, ((job.ended_at or 0) - (job.started_at or 0)) / 1000)
        elif job is not None:
            child.job.reason = f"runs again: {problem}"
    return hits


def _rerun(live: Live) -> bool:
    """`force_rerun` of this pipeline or of one around it."""
    at: Live | None = live
    while at is not None:
        if at.plan.get("force_rerun"):
            return True
        at = at.parent
    return False


def _facts(live: Live, bound: dict[str, Any]) -> dict[str, Any]:
    facts = {"machine": (live.job.facts or {}).get("machine")}
    if bound.get("code"):
        facts |= {"code": bound["code"], "git": (live.job.facts or {}).get("git")}
    return {key: value for key, value in facts.items() if value}


def _reuse(motor: Motor, live: Live, child: Live, hit: lookup.Hit) -> list[str]:
    """The node is complete: its result is that of an earlier job."""
    assert live.progress is not None
    now = now_ms()
    motor.batch.move(
        child,
        Status.COMPLETED,
        hit.reason,
        reused_from=hit.job.id,
        saved_s=hit.saved_s,
        outputs=hit.job.outputs,
        started_at=now,
        ended_at=now,
    )
    live.done[str(child.job.node)] = hit.job.outputs or {}
    return live.progress.complete(str(child.job.node))


def _lineage(motor: Motor, child: Live) -> None:
    for port, item in (child.plan.get("inputs") or {}).items():
        if edge := edge_of(child.job.id, port, item):
            motor.batch.edge(child.job, edge)


def _end(motor: Motor, live: Live) -> None:
    """Nothing of it runs and nothing more may start."""
    progress = live.progress
    assert progress is not None
    if live.job.cancel or live.job.status is Status.CANCEL_REQUESTED:
        ending.canceled(motor, live)
    elif progress.failed:
        names = ", ".join(progress.failed[:3]) + (" ..." if len(progress.failed) > 3 else "")
        ending.failed(motor, live, "StepFailed", f"failed: {names}", f"zaffre job resume --name {live.job.name}")
    elif progress.unfinished == 0:
        outputs = {
            name: {**live.done[item["node"]][item["port"]]}
            for name, item in (live.plan.get("outputs") or {}).items()
            if item.get("node") in live.done and item["port"] in live.done[item["node"]]
        }
        motor.batch.move(live, Status.FINALIZING)
        motor.batch.move(live, Status.COMPLETED, None, outputs=outputs, ended_at=now_ms())
        ending.over(motor, live)
