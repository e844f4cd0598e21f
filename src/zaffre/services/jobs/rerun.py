"""Run a job again: its document, with overrides or without, or exactly as it was."""

from __future__ import annotations

from typing import Any

from zaffre.base import ids
from zaffre.base.clock import now_ms
from zaffre.base.errors import Conflict, InvalidRequest
from zaffre.core.job_state import Status
from zaffre.services.context import Context
from zaffre.services.jobs import exact
from zaffre.services.jobs.lineage import input_edges
from zaffre.services.jobs.submit import submit
from zaffre.services.jobs.view import bound_inputs, views
from zaffre.store import assets, experiments, job_tags
from zaffre.store import jobs as store
from zaffre.store.jobs import JobRecord
from zaffre.wire.jobs import JobView, RerunJob, SubmitJob


def rerun(ctx: Context, request: RerunJob) -> JobView:
    """Raises `Conflict` for a job that cannot be run again, or not exactly any more, and what `submit` raises."""
    if request.exact and request.overrides:
        raise InvalidRequest(
            "an exact repetition changes nothing", code="ExactWithChanges", hint="leave out --exact, or the changes"
        )
    if request.changed_data and not request.exact:
        raise InvalidRequest("only an exact repetition minds that data has changed", code="ExactWithChanges")
    with ctx.db.read() as connection:
        job = store.get(connection, request.workspace, request.name)
        root = store.by_ids(connection, [job.root_id])[job.root_id]
    if job.type == "interactive" or not job.plan:
        raise Conflict(
            f"run {job.name} was made by a client outside of any job: there is no command to run again",
            code="NotRepeatable",
            hint="submit what made it as a job: zaffre job create",
        )
    if request.exact:
        return _exactly(ctx, job, root, request.changed_data)
    return _document(ctx, job, root, request)


def _document(ctx: Context, job: JobRecord, root: JobRecord, request: RerunJob) -> JobView:
    """Labels such as @latest are looked up anew, known steps are reused: as if the file were submitted once more."""
    if job.parent_id:
        raise Conflict(
            f"job {job.name} is a step: its inputs come from its pipeline",
            code="NotRepeatable",
            hint=f"zaffre job rerun --name {job.name} --exact, or the whole pipeline: "
            f"zaffre job rerun --name {root.name}",
        )
    with ctx.db.read() as connection:
        experiment = experiments.get(connection, job.workspace, job.experiment_id).name
    spec = {key: item for key, item in job.spec.items() if key not in ("name", "experiment_name")}
    facts: dict[str, Any] = {"rerun": {"of": job.name, "exact": False, "set": request.overrides}}
    git = (job.facts or {}).get("git")
    if git and not any("code" in item.partition("=")[0].split(".") for item in request.overrides):
        facts["git"] = git
    again = SubmitJob(workspace=job.workspace, spec=spec, facts=facts, experiment_name=experiment)
    return submit(ctx, again, request.overrides)


def _exactly(ctx: Context, job: JobRecord, root: JobRecord, changed_data: bool) -> JobView:
    restored = exact.restore(ctx, job, root, changed_data)
    number, now = ids.sequence(), now_ms()
    known = job.facts or {}
    facts = {
        "git": known.get("git"),
        "code": known.get("code"),
        "machine": ctx.facts.get("machine"),
        "notes": known.get("notes"),
        "rerun": {"of": job.name, "exact": True, "differs": restored.differs, "unknown": restored.unknown},
    }
    again = JobRecord(
        id=number,
        workspace=job.workspace,
        name=ids.job_name(),
        type=restored.plan["kind"],
        status=Status.QUEUED,
        root_id=number,
        experiment_id=job.experiment_id,
        spec=_spec(job, restored.plan),
        display_name=job.display_name,
        description=job.description,
        compute=job.compute,
        priority=job.priority,
        created_by=ctx.principal.name,
        created_at=now,
        changed_at=now,
        plan=restored.plan,
        facts={key: item for key, item in facts.items() if item},
    )
    tags = {str(key): str(value) for key, value in (job.spec.get("tags") or {}).items()}
    with ctx.db.write() as connection:
        store.insert(connection, [again])
        job_tags.set_tags(ctx.db, connection, again.id, {**tags})
        assets.add_edges(connection, again.workspace, input_edges(again))
        ctx.db.after_commit(lambda: ctx.changes.work(again.root_id))
        return views(ctx, connection, [again])[0]


def _spec(job: JobRecord, plan: dict[str, Any]) -> dict[str, Any]:
    """The document of the job; of a step with what its inputs were bound to."""
    spec = {"type": plan["kind"], **{key: item for key, item in job.spec.items() if key != "name"}}
    if job.parent_id and plan.get("inputs"):
        spec["inputs"] = bound_inputs(job, spec.get("inputs"))
    return spec
