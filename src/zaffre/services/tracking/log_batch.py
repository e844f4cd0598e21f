"""Log metrics, parameters and tags: all of a request or nothing of it, and once however often it is repeated."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from functools import partial

from sqlalchemy import Connection

from zaffre.base import limits
from zaffre.services.context import Context
from zaffre.services.tracking.values import wrong
from zaffre.store import job_tags, jobs, logged_models, metrics, params, runs
from zaffre.store.db import Database
from zaffre.store.logged_models import ModelPoint
from zaffre.store.metrics import Point
from zaffre.store.prepared import AnyConnection
from zaffre.store.run_conditions import RUN_NAME
from zaffre.store.run_key_counts import uncount
from zaffre.store.together import Spawn, Together, Told

Metrics = tuple[str, str, Sequence[Point]]  # workspace, run, points
FEW = 20  # points that are written in a fraction of a millisecond
_WRITERS: weakref.WeakKeyDictionary[Database, Together[Metrics]] = weakref.WeakKeyDictionary()


def log_metrics(context: Context, workspace: str, run: str, points: Sequence[Point]) -> None:
    """Returns when they are committed. Raises `NotFound`, or `InvalidRequest` when the run is deleted or reused."""
    _writer(context).write((workspace, run, points))


def begin_metrics(
    context: Context,
    workspace: str,
    run: str,
    points: Sequence[Point],
    told: Told,
    soon: Spawn,
    spawn: Spawn,
) -> None:
    """As `log_metrics`, without waiting: `told` is called once they are committed, with None, or with the error.

    `told`, `soon` and `spawn` as in `Together.begin`.
    """
    _check_size(len(points), 0, 0)
    _writer(context).begin((workspace, run, points), told, len(points) <= FEW, soon, spawn)


def _writer(context: Context) -> Together[Metrics]:
    writer = _WRITERS.get(context.db)
    if writer is None:
        writer = _WRITERS.setdefault(context.db, Together(context.db, partial(_append, weakref.ref(context.db))))
    return writer


def _append(
    db: weakref.ref[Database], connection: AnyConnection, items: Sequence[Metrics]
) -> Sequence[Exception | None]:
    database = db()
    assert database is not None
    logged = [(workspace, run, [point.key for point in points]) for workspace, run, points in items]
    known = runs.writable(database, connection, logged)
    errors: list[Exception | None] = []
    batches: list[tuple[int, Sequence[Point]]] = []
    for workspace, run, points in items:
        job, problem = known.get((workspace, run), (None, None))
        if job is None:
            errors.append(runs.unknown(run))
        else:
            errors.append(problem)
            if problem is None:
                batches.append((job, points))
    metrics.append(database, connection, batches)
    return errors


def log_batch(
    context: Context,
    workspace: str,
    run: str,
    *,
    points: Sequence[Point] = (),
    given: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    model_points: Sequence[ModelPoint] = (),
) -> None:
    """`model_points` also belong to a logged model. Raises as `log_metrics`, and for a changed parameter."""
    given, tags = given or {}, tags or {}
    _check_size(len(points), len(given), len(tags))
    if not given and not tags and not model_points:
        log_metrics(context, workspace, run, points)
        return
    with context.db.write() as connection:
        record = (runs.loggable if points or given else runs.active)(connection, workspace, run)
        uncount(connection, [record.id])
        params.add(context.db, connection, record.id, run, given)
        metrics.append(context.db, connection, [(record.id, points)])
        logged_models.add_points(context.db, connection, workspace, record.id, model_points)
        set_tags_of(context, connection, record.id, tags)


def set_tags_of(context: Context, connection: Connection, job_id: int, tags: Mapping[str, str | None]) -> None:
    """None removes a tag. The tag `mlflow.runName` is the display name."""
    job_tags.set_tags(context.db, connection, job_id, tags)
    if tags.get(RUN_NAME):
        jobs.change(connection, job_id, {"display_name": tags[RUN_NAME]})


def _check_size(points: int, given: int, tags: int) -> None:
    for what, count, most in (
        ("metrics", points, limits.METRICS_PER_BATCH),
        ("params", given, limits.PARAMS_PER_BATCH),
        ("tags", tags, limits.TAGS_PER_BATCH),
        ("metrics, params, and tags", points + given + tags, limits.ENTITIES_PER_BATCH),
    ):
        if count > most:
            raise wrong(
                f"A batch logging request can contain at most {most} {what}. Got {count} {what}. "
                f"Please split up {what} across multiple requests and try again."
            )
