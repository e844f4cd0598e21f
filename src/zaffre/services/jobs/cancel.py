"""Ask for the end of a job and of everything below it. Asking again changes nothing."""

from __future__ import annotations

from zaffre.base.clock import now_ms
from zaffre.base.errors import Conflict
from zaffre.core.job_state import TERMINAL, Status
from zaffre.services.context import Context
from zaffre.services.jobs.view import views
from zaffre.store import job_living
from zaffre.store import jobs as store
from zaffre.wire.jobs import JobRef, JobView


def cancel(ctx: Context, request: JobRef) -> JobView:
    """Raises `Conflict` for a job that completed or failed; one that was canceled stays canceled."""
    with ctx.db.write() as connection:
        job = store.get(connection, request.workspace, request.name)
        if job.status in TERMINAL and job.status is not Status.CANCELED:
            raise Conflict(f"job {job.name} is {job.status} already", code="JobEnded")
        if job.status not in TERMINAL:
            if job.type == "interactive":  # nothing runs here: its client is elsewhere
                ended = store.Transition(job, job.status, Status.CANCELED, "canceled", {"ended_at": now_ms()})
                store.record(connection, [ended])
                job.status = Status.CANCELED
            else:
                job_living.request_cancel(connection, job.root_id, [job.id])
            root = job.root_id
            ctx.db.after_commit(lambda: ctx.changes.work(root))
            ctx.db.after_commit(lambda: ctx.changes.notify(root))
        return views(ctx, connection, [job])[0]
