"""Take in a job: resolve what it refers to, write it down as Queued, tell the engine."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from zaffre.base import ids
from zaffre.base.clock import now_ms
from zaffre.base.errors import Conflict
from zaffre.base.limits import NAME_LENGTH
from zaffre.core.job_state import Status
from zaffre.services.context import Context
from zaffre.services.jobs.lineage import input_edges
from zaffre.services.jobs.view import views
from zaffre.services.resolve.plan import resolve
from zaffre.services.resolve.scope import Scope
from zaffre.spec.document import dump, parse
from zaffre.store import assets, experiments, job_tags, texts
from zaffre.store import jobs as store
from zaffre.store.jobs import JobRecord
from zaffre.wire.jobs import JobView, SubmitJob

DEFAULT_EXPERIMENT = "Default"
PRIORITY = {"low": -1, "lowpriority": -1, "standard": 0, "medium": 0, "high": 1}


def submit(ctx: Context, request: SubmitJob, overrides: Sequence[str] = ()) -> JobView:
    """`overrides` are `path=value` over the document.

    Raises `SpecError`, `InvalidRequest` for a wrong job, `NotFound` for what it names, `Conflict` for its name.
    """
    document = parse(request.spec, kind="job", overrides=overrides)
    spec = dump(document.spec)
    with ctx.db.read() as connection:
        scope = Scope(ctx, connection, request.workspace)
        scope.settings  # raises NotFound for an unknown workspace  # noqa: B018
        plan = resolve(scope, spec)
    if request.verify:
        plan["verify"] = request.verify
    job = _record(ctx, request, spec, plan, [*document.notes, *scope.notes])
    tags = {str(key): str(value) for key, value in (spec.get("tags") or {}).items()}
    with ctx.db.write() as connection:
        if store.name_taken(connection, job.workspace, job.name):
            raise Conflict(
                f"job {job.name} exists already", code="JobExists", hint="leave the name out to get a new one"
            )
        experiment = experiments.ensure(ctx.db, connection, job.workspace, _experiment(request, spec))
        job.experiment_id = experiment.id
        _keep_diff(ctx, connection, job)
        store.insert(connection, [job])
        job_tags.set_tags(ctx.db, connection, job.id, tags)
        assets.add_edges(connection, job.workspace, input_edges(job))
        ctx.db.after_commit(lambda: ctx.changes.work(job.root_id))
        return views(ctx, connection, [job])[0]


def _record(
    ctx: Context, request: SubmitJob, spec: dict[str, Any], plan: dict[str, Any], notes: list[str]
) -> JobRecord:
    id_, now = ids.sequence(), now_ms()
    facts = {**request.facts, "machine": ctx.facts.get("machine"), "notes": notes, "code": plan.get("code")}
    tier = str((spec.get("queue_settings") or {}).get("job_tier") or "standard").lower()
    return JobRecord(
        id=id_,
        workspace=request.workspace,
        name=spec.get("name") or ids.job_name(),
        type=plan["kind"],
        status=Status.QUEUED,
        root_id=id_,
        experiment_id=0,
        spec=spec,
        created_at=now,
        changed_at=now,
        created_by=ctx.principal.name,
        display_name=spec.get("display_name"),
        description=spec.get("description"),
        compute=plan.get("compute"),
        priority=PRIORITY.get(tier, 0),
        plan=plan,
        facts={key: value for key, value in facts.items() if value},
    )


def _experiment(request: SubmitJob, spec: dict[str, Any]) -> str:
    name = spec.get("experiment_name") or request.experiment_name or DEFAULT_EXPERIMENT
    return re.sub(r"[^\w. -]", "_", str(name))[:NAME_LENGTH]


def _keep_diff(ctx: Context, connection: Any, job: JobRecord) -> None:
    """The uncommitted changes go to a place where equal ones are stored once."""
    git = (job.facts or {}).get("git")
    if git and git.get("diff"):
        git["diff_hash"] = texts.put(ctx.db, connection, git.pop("diff"))
