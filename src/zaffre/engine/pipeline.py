"""A pipeline: its ready nodes become jobs, those whose result is known are reused, and it ends when they have."""

from __future__ import annotations

from typing import Any

from zaffre.base.clock import now_ms
from zaffre.base.errors import ZaffreError
from zaffre.core import plan as core_plan
from zaffre.core.job_state import Status
from zaffre.engine import steps
from zaffre.engine.job import cancel_requested, ending
from zaffre.engine.live import Live
from zaffre.engine.motor import Motor
from zaffre.services.reuse import lookup
from zaffre.services.reuse.identify import identify, unidentified
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
        return ending.failed(motor, live, problem)
    live.job.plan = plan
    return _run(motor, live, plan=plan)


def _run(motor: Motor, live: Live, **changes: Any) -> None:
    if live.job.status is Status.PREPARING:  # Preparing goes on through Starting, as steps do
        motor.batch.move(live, Status.STARTING)
    motor.batch.move(live, Status.RUNNING, None, started_at=now_ms(), **changes)
    live.progress = core_plan.Progress(live.plan["nodes"], bool(live.plan.get("continue_on_failure")))
    watch_time(motor, live)
    motor.dirty[live.job.id] = (live, live.progress.ready_at_start())


def watch_time(motor: Motor, live: Live) -> None:
    """A pipeline with a limit is ended when it is over: what runs is stopped, nothing more starts."""
    limit = live.plan.get("timeout_s")
    if limit and live.job.started_at:
        left = live.job.started_at / 1000 + float(limit) - motor.wall()
        motor.later(live, max(left, 0.0), lambda: _timeout(motor, live))


def _timeout(motor: Motor, live: Live) -> None:
    if live.job.status is not Status.RUNNING:
        return
    motor.batch.time_out(live)
    for child in [item for item in live.tree.living.values() if item.parent is live]:
        cancel_requested.cancel(motor, child)
    motor.settle(live)


def _too_long(live: Live) -> str:
    return f"ran longer than its limit of {live.plan['timeout_s']:g} s"


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
        if child.job.status is Status.FAILED:
            parent.culprit = parent.culprit or child.culprit or child.job.name


def advance(motor: Motor, live: Live, ready: list[str]) -> None:
    """Turn ready nodes into jobs; a reused one may make others ready at once, so go on until there are no more."""
    progress = live.progress
    if progress is None:
        if live.job.status is Status.CANCEL_REQUESTED and not live.busy:
            ending.canceled(motor, live)
        return
    while ready and _may_start(live):
        ready = _create(motor, live, ready)
    if not live.children and not live.looking:
        _end(motor, live)


def _may_start(live: Live) -> bool:
    return live.progress is not None and live.progress.may_start and not live.job.cancel and not live.timed_out


def _create(motor: Motor, live: Live, ready: list[str]) -> list[str]:
    """Returns the nodes that became ready because others were reused.

    Whether known results are still there is looked at here when that is quick, else in a worker thread.
    """
    created = steps.draw(live, ready)
    known = steps.known(motor, live, created)
    if all(map(lookup.is_quick, known.values())):
        return _place(motor, live, created, steps.judge(motor.ctx, known))
    live.looking += 1
    motor.work(live, lambda: _look(motor, live, created, known))
    return []


def _look(motor: Motor, live: Live, created: list[Live], known: dict[int, JobRecord]) -> None:
    judged = steps.judge(motor.ctx, known)

    def go_on() -> None:
        assert live.progress is not None
        live.looking -= 1
        ready = _place(motor, live, created, judged) if _may_start(live) else []
        motor.dirty.setdefault(live.job.id, (live, []))[1].extend(ready)

    motor.answer(live, go_on)


def _place(motor: Motor, live: Live, created: list[Live], judged: dict[int, steps.Judged]) -> list[str]:
    """New jobs are complete at once where the result is known; others are queued, or begin if they are pipelines."""
    assert live.progress is not None
    ready: list[str] = []
    for child in created:
        motor.batch.create(child.job)
        steps.lineage(motor, child)
        if steps.reuse(motor, live, child, judged.get(child.job.id)):
            ready += live.progress.complete(str(child.job.node))
            continue
        live.tree.living[child.job.id] = child
        live.children += 1
        if child.job.type == "pipeline":
            begin(motor, child)
        else:
            motor.enqueue(child)
    return ready


def _end(motor: Motor, live: Live) -> None:
    """Nothing of it runs and nothing more may start."""
    progress, tree = live.progress, live.tree
    assert progress is not None
    if live.job.cancel or live.job.status is Status.CANCEL_REQUESTED:
        ending.canceled(motor, live)
    elif live.timed_out:
        ending.failed(motor, live, ZaffreError(_too_long(live), code="Timeout", hint=_resume(live)))
    elif progress.failed:
        names = ", ".join(progress.failed[:3]) + (" ..." if len(progress.failed) > 3 else "")
        ending.failed(motor, live, ZaffreError(f"failed: {names}", code="StepFailed", hint=_resume(live)))
    elif progress.unfinished == 0:
        outputs = {
            name: {**live.done[item["node"]][item["port"]]}
            for name, item in (live.plan.get("outputs") or {}).items()
            if item.get("node") in live.done and item["port"] in live.done[item["node"]]
        }
        if live.parent is None and any(tree.verified.values()):
            ending.failed(motor, live, _differs(tree.verified), outputs=outputs)
            return
        reason = f"{len(tree.verified)} reused results verified" if live.parent is None and tree.verified else None
        motor.batch.move(live, Status.FINALIZING)
        motor.batch.move(live, Status.COMPLETED, reason, outputs=outputs, ended_at=now_ms())
        ending.over(motor, live)


def _differs(verified: dict[str, list[str]]) -> ZaffreError:
    wrong = [f"{path} ({', '.join(ports)})" for path, ports in sorted(verified.items()) if ports]
    return ZaffreError(
        f"{len(wrong)} of {len(verified)} verified steps made something else than before: {', '.join(wrong[:5])}",
        code="VerificationFailed",
        hint="say `is_deterministic: false` for such a step, or name what else it depends on as an input",
    )


def _resume(live: Live) -> str:
    """What to look at, and what to do then."""
    look = f"zaffre job stream --name {live.culprit} shows why; " if live.culprit else ""
    return f"{look}zaffre job resume --name {live.job.name} runs the rest"
