"""Show one job, or list many."""

from __future__ import annotations

from zaffre.base.errors import InvalidRequest, NotFound
from zaffre.core.job_state import Status
from zaffre.services.context import Context
from zaffre.services.jobs.view import views
from zaffre.store import experiments, job_list
from zaffre.store import jobs as store
from zaffre.store.resources import get_workspace
from zaffre.wire.jobs import DocumentView, JobList, JobRef, JobView, ListJobs

ARCHIVED = {"active": False, "archived": True, "all": None}


def show(ctx: Context, request: JobRef) -> JobView:
    with ctx.db.read() as connection:
        return views(ctx, connection, [store.get(connection, request.workspace, request.name)])[0]


def document(ctx: Context, request: JobRef) -> DocumentView:
    """Without its name: a job submitted from it is another one. Raises `NotFound`."""
    with ctx.db.read() as connection:
        job = store.get(connection, request.workspace, request.name)
    return DocumentView(spec={key: value for key, value in job.spec.items() if key != "name"})


def list_jobs(ctx: Context, request: ListJobs) -> JobList:
    """Newest first; the jobs below a parent in the order in which they began."""
    if request.status and request.status not in set(Status):
        raise InvalidRequest(f"no status {request.status}", hint=f"one of {', '.join(Status)}")
    with ctx.db.read() as connection:
        get_workspace(connection, request.workspace)
        parent = (
            store.get(connection, request.workspace, request.parent_job_name).id if request.parent_job_name else None
        )
        experiment = None
        if request.experiment_name:
            found = experiments.find(connection, request.workspace, request.experiment_name)
            if found is None:
                raise NotFound(f"experiment {request.experiment_name} not found", code="ExperimentNotFound")
            experiment = found.id
        key, _, value = (request.tag or "").partition("=")
        jobs = job_list.page(
            connection,
            request.workspace,
            parent_id=parent,
            archived=ARCHIVED[request.listed],
            status=request.status,
            experiment_id=experiment,
            tag=(key, value or None) if key else None,
            before=_cursor(request.cursor),
            limit=request.max_results + 1,
        )
        more = len(jobs) > request.max_results
        jobs = jobs[: request.max_results]
        return JobList(items=views(ctx, connection, jobs), cursor=str(jobs[-1].id) if more else None)


def _cursor(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise InvalidRequest("the cursor is not one of ours", code="BadCursor", hint="leave it out for the first page")
    return int(text)
