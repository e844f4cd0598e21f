"""Curves fit to draw: of several runs and keys, smoothed at full resolution, then bucketed on one grid of x."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING

import orjson

from zaffre.base.errors import InvalidRequest, NotFound, TooLarge
from zaffre.base.limits import METRIC_CELLS_PER_QUERY, METRIC_POINTS_PER_QUERY
from zaffre.services.context import Context
from zaffre.store import metrics, runs
from zaffre.wire.metrics import Curves, QueryColumns, QueryMetrics

if TYPE_CHECKING:
    from zaffre.core.smoothing import Floats
    from zaffre.services.metrics.draw import Drawing, Series

# The amounts that each kind of smoothing takes. A wider Gaussian would cost more than all the rest.
AMOUNTS = {
    "none": (-math.inf, math.inf, ""),
    "ema": (0.0, math.nextafter(1.0, 0.0), "from 0 to below 1"),
    "mean": (1.0, 1e9, "a whole number of points from 1"),
    "gaussian": (0.0, 100.0, "from 0 to 100 points"),
}
LARGE = 1_000_000  # points: each such query may need hundreds of MB
_LARGE = threading.Semaphore(2)


def query(ctx: Context, request: QueryMetrics) -> Curves:
    """Raises `NotFound` for a run, `InvalidRequest`, and `TooLarge` for more than one answer can hold."""
    drawing = _draw(ctx, request)
    answer = _told(drawing)
    answer.x = drawing.x.tolist()
    for curve, columns in zip(answer.curves, drawing.columns, strict=True):
        curve.columns = {name: _with_nulls(columns[name]) for name in drawing.names}
    return answer


def columns(ctx: Context, request: QueryColumns) -> bytes:
    """As `query`, in the binary form that wire/metrics.py describes. Raises the same."""
    drawing = _draw(ctx, request)
    names = [name for name in drawing.names if not request.only or name in request.only]
    numbers = [columns[name] for columns in drawing.columns for name in names]
    bits = 32 if request.bits == 32 and all(_fits(column) for column in numbers) else 64
    told = _told(drawing).model_dump(exclude={"x": True, "curves": {"__all__": {"columns"}}})
    header = orjson.dumps({**told, "columns": names, "rows": len(drawing.x), "bits": bits})
    header += b" " * (-(4 + len(header)) % 8)
    body = [drawing.x.astype("<f8").tobytes(), *(column.astype(f"<f{bits // 8}").tobytes() for column in numbers)]
    return b"".join([len(header).to_bytes(4, "little"), header, *body])


def _fits(column: Floats) -> bool:
    """Would 32 bits hold each number, or nearly so? NaN, for nothing there, they do."""
    import numpy as np

    sizes = np.abs(column[~np.isnan(column) & (column != 0)])
    return not len(sizes) or bool(sizes.max() < 3e38 and sizes.min() > 1e-37)


def _with_nulls(column: Floats) -> list[float | None]:
    return [None if math.isnan(value) else value for value in column.tolist()]


def _told(drawing: Drawing) -> Curves:
    return Curves(
        x=[],
        unit=drawing.unit,
        width=drawing.width,
        ratio=max((curve.ratio for curve in drawing.curves), default=1.0),
        columns=list(drawing.names),
        curves=drawing.curves,
    )


def _draw(ctx: Context, request: QueryMetrics) -> Drawing:
    _check(request)
    wanted = _wanted(ctx, request)
    sent = sum(series.sent for series in wanted)
    if sent > METRIC_POINTS_PER_QUERY:
        raise TooLarge(
            f"{len(wanted)} curves have {sent:,} points; one query reads {METRIC_POINTS_PER_QUERY:,} at most",
            code="TooManyPoints",
            hint="ask for fewer runs or keys at once",
        )
    if len(wanted) * request.buckets > METRIC_CELLS_PER_QUERY:
        raise TooLarge(
            f"{len(wanted)} curves of {request.buckets} buckets are more than an answer holds",
            code="TooManyPoints",
            hint=f"ask for {METRIC_CELLS_PER_QUERY // len(wanted)} buckets, or for fewer runs or keys at once",
        )
    from zaffre.services.metrics.draw import draw

    if sent <= LARGE:
        return draw(ctx, request, wanted)
    with _LARGE:
        return draw(ctx, request, wanted)


def _check(request: QueryMetrics) -> None:
    kind, amount = request.smooth.kind, request.smooth.amount
    least, most, allowed = AMOUNTS[kind]
    if not least <= amount <= most or (kind == "mean" and amount != int(amount)):
        raise InvalidRequest(f"smooth.amount of {kind} is {allowed}, not {amount:g}", code="InvalidValue")
    low, high = request.range or (None, None)
    if low is not None and high is not None and low > high:
        raise InvalidRequest(f"the range ends at {high:g}, before it begins at {low:g}", code="InvalidValue")


def _wanted(ctx: Context, request: QueryMetrics) -> list[Series]:
    """What exists of runs x keys, in the order asked for."""
    from zaffre.services.metrics.draw import Series

    names, keys = list(dict.fromkeys(request.runs)), list(dict.fromkeys(request.keys))
    with ctx.db.read() as connection:
        ids = runs.sources_of(connection, request.workspace, names)
        if missing := [name for name in names if name not in ids]:
            raise NotFound(
                f"no run `{missing[0][:300]}` in workspace `{request.workspace}`",
                code="RunNotFound",
                hint="`zaffre job list` shows all",
            )
        jobs = sorted(set(ids.values()))
        sent = metrics.counts(connection, jobs, keys)
        begins = runs.starts_of(connection, jobs) if request.x == "relative" else {}
    return [
        Series(name, key, ids[name], sent[ids[name], key], begins.get(ids[name], 0))
        for key in keys
        for name in names
        if (ids[name], key) in sent
    ]
