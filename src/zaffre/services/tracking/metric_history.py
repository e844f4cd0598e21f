"""Every value of a metric."""

from __future__ import annotations

from collections.abc import Sequence

from zaffre.services.context import Context
from zaffre.services.tracking.pages import offset_of, token_of
from zaffre.services.tracking.values import wrong
from zaffre.store import metrics, runs

Points = list[tuple[int, int, float]]  # timestamp, step, value
MOST_RUNS = 100


def metric_history(
    context: Context,
    workspace: str,
    run: str,
    key: str,
    *,
    max_results: int | None = None,
    page_token: str | None = None,
) -> tuple[Points, str | None]:
    """By timestamp, step and value; all of them unless `max_results` says less. Raises `NotFound` for the run only."""
    offset = offset_of(page_token)
    with context.db.read() as connection:
        points = metrics.history(connection, runs.get(connection, workspace, run).source_id, key)
    if max_results is None:
        return points[offset:], None
    if max_results < 1:
        raise wrong(f"Invalid value {max_results} for parameter 'max_results' supplied: it must be at least 1")
    end = offset + max_results
    return points[offset:end], token_of(end) if len(points) > end else None


def metric_histories(
    context: Context, workspace: str, names: Sequence[str], key: str, most: int = 25_000
) -> list[tuple[str, Points]]:
    """One metric of several runs, by name of the run; `most` points in all."""
    found = []
    for run, points in sorted(_histories(context, workspace, names, key).items()):
        found.append((run, points[:most]))
        most -= len(found[-1][1])
    return found


def sampled_histories(
    context: Context,
    workspace: str,
    names: Sequence[str],
    key: str,
    *,
    start_step: int | None,
    end_step: int | None,
    most: int,
) -> list[tuple[str, Points]]:
    """As `metric_histories`, of each run at most about `most` steps, evenly chosen between two steps; the ends stay."""
    if not 0 < most <= 2500:
        raise wrong(f"max_results must be between 1 and 2500, got {most}")
    if (start_step is None) != (end_step is None):
        raise wrong("If either start step or end step are specified, both must be specified.")
    if start_step is not None and end_step is not None and start_step > end_step:
        raise wrong(f"end_step must be greater than start_step. Found start_step={start_step} and end_step={end_step}.")
    found = []
    for run, every in sorted(_histories(context, workspace, names, key).items()):
        points = every
        if start_step is not None and end_step is not None:
            points = [point for point in points if start_step <= point[1] <= end_step]
        steps = sorted({point[1] for point in points})
        if len(steps) > most:
            chosen = {steps[round(i * (len(steps) - 1) / max(most - 1, 1))] for i in range(most)} | {steps[-1]}
            points = [point for point in points if point[1] in chosen]
        found.append((run, sorted(points, key=lambda point: (point[1], point[0]))))
    return found


def _histories(context: Context, workspace: str, names: Sequence[str], key: str) -> dict[str, Points]:
    if not 0 < len(names) <= MOST_RUNS:
        raise wrong(f"GetMetricHistoryBulk request must specify between 1 and {MOST_RUNS} run_ids. Got {len(names)}.")
    with context.db.read() as connection:
        ids = runs.sources_of(connection, workspace, names)
        found = metrics.histories(connection, list(ids.values()), key)
    return {name: found[id_] for name, id_ in ids.items() if id_ in found}
