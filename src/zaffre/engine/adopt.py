"""Take a tree of jobs into memory: a new one, or what a server before this one left behind."""

from __future__ import annotations

from functools import partial

from zaffre.core.job_state import TERMINAL, Status
from zaffre.core.plan import Progress
from zaffre.engine import pipeline
from zaffre.engine.job import cancel_requested, finalizing, running, starting
from zaffre.engine.live import Live, Tree
from zaffre.engine.motor import Motor
from zaffre.store import jobs as store
from zaffre.store.jobs import JobRecord


def adopt(motor: Motor, root_id: int) -> None:
    """Every job of the tree goes on from where the database says it stands."""
    with motor.ctx.db.read() as connection:
        records = store.tree(connection, root_id)
    if not records or records[0].status in TERMINAL:
        return
    tree = Tree(records[0])
    motor.trees[root_id] = tree
    lives: dict[int, Live] = {}
    for job in records:  # parents come before their children: ids grow
        parent = lives.get(job.parent_id or 0)
        path = f"{parent.path}.{job.node}" if parent and parent.path else (job.node or "") if parent else ""
        live = Live(job, tree, path, parent)
        if job.status not in TERMINAL:
            lives[job.id] = tree.living[job.id] = live
            if parent:
                parent.children += 1
        if job.status is Status.COMPLETED and "verifies" in (job.facts or {}):
            tree.verified[path] = (job.facts or {}).get("differs") or []
    _rebuild_progress(motor, lives, records)
    for live in list(lives.values()):
        motor.guard(live, partial(resume, motor, live))


def _rebuild_progress(motor: Motor, lives: dict[int, Live], records: list[JobRecord]) -> None:
    """Which nodes of the running pipelines are done, and which are ready but have no job yet."""
    for live in lives.values():
        if live.job.type != "pipeline" or live.job.status not in (Status.RUNNING, Status.CANCEL_REQUESTED):
            continue
        live.progress = Progress(live.plan["nodes"], bool(live.plan.get("continue_on_failure")))
        ready = live.progress.ready_at_start()
        there = {str(job.node): job for job in records if job.parent_id == live.job.id}
        for node, job in there.items():
            if job.status is Status.COMPLETED:
                live.done[node] = job.outputs or {}
                ready += live.progress.complete(node)
            elif job.status in TERMINAL:
                live.progress.fail(node)
        motor.dirty[live.job.id] = (live, [node for node in ready if node not in there])


def resume(motor: Motor, live: Live) -> None:
    """Go on with one job from its present status."""
    status, is_pipeline = live.job.status, live.job.type == "pipeline"
    if is_pipeline:
        if status is Status.QUEUED:
            pipeline.begin(motor, live)
        elif status in (Status.PREPARING, Status.STARTING):
            motor.batch.move(live, Status.QUEUED, "the server was restarted")
            pipeline.begin(motor, live)
        elif status is Status.RUNNING:
            pipeline.watch_time(motor, live)
        elif status is Status.FINALIZING:
            motor.settle(live)
    elif status is Status.QUEUED:
        motor.enqueue(live)
    elif status is Status.PREPARING:
        motor.batch.move(live, Status.QUEUED, "the server was restarted")
        motor.enqueue(live)
    elif status is Status.STARTING:
        motor.slots.hold(live)
        starting.recover(motor, live)
    elif status is Status.RUNNING:
        motor.slots.hold(live)
        running.watch(motor, live)
    elif status is Status.CANCEL_REQUESTED:
        motor.slots.hold(live)
        motor.compute.stop(live.job.handle or {}, running.STOP_GRACE_S)
        running.watch(motor, live)
    elif status is Status.FINALIZING:
        finalizing.begin(motor, live, None)
    if live.job.cancel and live.job.id in live.tree.living and live.job.status is not Status.CANCEL_REQUESTED:
        cancel_requested.cancel(motor, live)
