"""The keys of a run, and every point of one."""

from __future__ import annotations

from zaffre.base.errors import NotFound
from zaffre.services.context import Context
from zaffre.store import metrics, runs
from zaffre.wire.metrics import History, ListMetrics, Metric, MetricList, ReadHistory


def list_metrics(ctx: Context, request: ListMetrics) -> MetricList:
    """Raises `NotFound`."""
    with ctx.db.read() as connection:
        job = runs.get(connection, request.workspace, request.name).source_id
        found = metrics.latest(connection, [job]).get(job, [])
    return MetricList(items=[Metric(**latest._asdict()) for latest in found])


def history(ctx: Context, request: ReadHistory) -> History:
    """Raises `NotFound` for the run, and for a key that it never logged."""
    with ctx.db.read() as connection:
        job = runs.get(connection, request.workspace, request.name).source_id
        steps, times, values = metrics.columns(connection, job, request.key)
    if not len(steps):
        raise NotFound(
            f"run {request.name} has no metric `{request.key[:300]}`",
            code="MetricNotFound",
            hint=f"zaffre metrics list {request.name}",
        )
    end = request.offset + request.max_results
    part = slice(request.offset, end)
    return History(
        steps=steps[part].tolist(),
        timestamps=times[part].tolist(),
        values=values[part].tolist(),
        next_offset=end if end < len(steps) else None,
    )
