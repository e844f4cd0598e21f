"""Small changes to a job: names and tags, archive and restore."""

from __future__ import annotations

from typing import Any

from zaffre.base.clock import now_ms
from zaffre.base.errors import InvalidRequest
from zaffre.base.limits import NAME_LENGTH
from zaffre.services.context import Context
from zaffre.services.jobs.view import views
from zaffre.store import experiments, job_tags
from zaffre.store import jobs as store
from zaffre.wire.jobs import JobRef, JobView, UpdateJob


def update(ctx: Context, request: UpdateJob) -> JobView:
    with ctx.db.write() as connection:
        job = store.get(connection, request.workspace, request.name)
        values: dict[str, Any] = {
            key: getattr(request, key) for key in ("display_name", "description") if key in request.model_fields_set
        }
        if request.experiment_name:
            if len(request.experiment_name) > NAME_LENGTH:
                raise InvalidRequest(f"the name of an experiment has at most {NAME_LENGTH} characters")
            values["experiment_id"] = experiments.ensure(ctx.db, connection, job.workspace, request.experiment_name).id
        store.change(connection, job.id, {**values, "changed_at": now_ms()})
        job_tags.set_tags(ctx.db, connection, job.id, request.tags or {})
        ctx.db.after_commit(lambda: ctx.changes.notify(job.root_id))
        return views(ctx, connection, [store.get(connection, request.workspace, request.name)])[0]


def archive(ctx: Context, request: JobRef) -> JobView:
    return _set_archived(ctx, request, True)


def restore(ctx: Context, request: JobRef) -> JobView:
    return _set_archived(ctx, request, False)


def _set_archived(ctx: Context, request: JobRef, archived: bool) -> JobView:
    with ctx.db.write() as connection:
        job = store.get(connection, request.workspace, request.name)
        store.change(connection, job.id, {"archived": archived})
        job.archived = archived
        return views(ctx, connection, [job])[0]
