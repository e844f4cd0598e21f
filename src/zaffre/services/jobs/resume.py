"""Run again what failed, was canceled or never ran. What completed is kept: the new job names where it comes from."""

from __future__ import annotations

from typing import Any

from zaffre.base import ids
from zaffre.base.clock import now_ms
from zaffre.base.errors import Conflict
from zaffre.core.job_state import Status
from zaffre.services.context import Context
from zaffre.services.jobs.lineage import input_edges
from zaffre.services.jobs.view import views
from zaffre.store import assets, job_tags
from zaffre.store import jobs as store
from zaffre.store.jobs import JobRecord
from zaffre.wire.jobs import JobView, ResumeJob


def resume(ctx: Context, request: ResumeJob) -> JobView:
    """Raises `Conflict` for a job that runs, completed, or is below another."""
    with ctx.db.write() as connection:
        job = store.get(connection, request.workspace, request.name)
        if job.parent_id:
            raise Conflict(
                f"job {job.name} is a step: resume its pipeline",
                code="NotARoot",
                hint=f"zaffre job resume --name {store.names_of(connection, {job.root_id})[job.root_id]}",
            )
        if job.status not in (Status.FAILED, Status.CANCELED) or job.type == "interactive":
            raise Conflict(f"job {job.name} is {job.status}: there is nothing to resume", code="NothingToResume")
        number, now = ids.sequence(), now_ms()
        kept = _completed(store.tree(connection, job.id))
        again = JobRecord(
            id=number,
            workspace=job.workspace,
            name=ids.job_name(),
            type=job.type,
            status=Status.QUEUED,
            root_id=number,
            experiment_id=job.experiment_id,
            spec={key: item for key, item in job.spec.items() if key != "name"},
            display_name=job.display_name,
            description=job.description,
            compute=job.compute,
            priority=job.priority,
            created_by=ctx.principal.name,
            created_at=now,
            changed_at=now,
            plan={**(job.plan or {}), "keep": kept},
            facts={**_of_the_job(job.facts or {}), "resumed_from": job.name},
        )
        store.insert(connection, [again])
        tags = job_tags.tags_of(connection, [job.id]).get(job.id, {})
        job_tags.set_tags(ctx.db, connection, again.id, {**tags})
        assets.add_edges(connection, again.workspace, input_edges(again))
        ctx.db.after_commit(lambda: ctx.changes.work(again.root_id))
        return views(ctx, connection, [again])[0]


def _of_the_job(facts: dict[str, Any]) -> dict[str, Any]:
    """Without what only says how its attempts went."""
    return {key: item for key, item in facts.items() if key not in ("timed_out", "never_started")}


def _completed(jobs: list[JobRecord]) -> dict[str, int]:
    """Path of each completed step -> the job that ran it."""
    paths: dict[int, str] = {}
    kept = {}
    for job in jobs:
        if job.parent_id:
            above = paths[job.parent_id]
            paths[job.id] = f"{above}.{job.node}" if above else str(job.node)
            if job.status is Status.COMPLETED and job.type != "pipeline":
                kept[paths[job.id]] = job.reused_from or job.id
        else:
            paths[job.id] = ""
    return kept
