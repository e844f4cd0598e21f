"""Series become curves on one grid of x.

numpy is imported with this module: import it where it is used, not at the start of a server.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from zaffre.core import smoothing
from zaffre.core.buckets import Extent, Grid, bucketed
from zaffre.core.smoothing import Floats, Whole
from zaffre.services.context import Context
from zaffre.store import metrics
from zaffre.wire.metrics import Curve, QueryMetrics

HELD_POINTS = 2_000_000  # are kept from one pass to the next; more are read again
_INT64, _BEYOND = 2**63, 1e25  # past every x
PLAIN = ("min", "max", "last", "count")
RAW = ("raw_min", "raw_max", "raw_last")
_UNITS = {"step": ("step", 1), "relative": ("s", 1000), "wall": ("ms", 1)}  # name, and whole x in one


@dataclass(frozen=True)
class Series:
    """One key of one run. `sent` points, perhaps some of them twice; the run began at `begin` (ms)."""

    run: str
    key: str
    job: int
    sent: int
    begin: int


@dataclass
class Drawing:
    """Where the buckets begin, and every curve on them; `columns` belong to `curves`, one after the other."""

    x: Floats
    unit: str
    width: float
    names: tuple[str, ...]
    curves: list[Curve] = field(default_factory=list)
    columns: list[dict[str, Floats]] = field(default_factory=list)


Points = tuple[Series, Whole, Whole, Floats]  # steps, timestamps, values


def draw(ctx: Context, request: QueryMetrics, wanted: list[Series]) -> Drawing:
    """Pass after pass over the points: what x there is makes the grid, then each curve is put on it."""
    held = list(_read(ctx, wanted)) if sum(series.sent for series in wanted) <= HELD_POINTS else None

    def points() -> Iterable[Points]:
        return held if held is not None else _read(ctx, wanted)

    begins = _begins(points()) if request.x == "relative" else {}
    unit, parts = _UNITS[request.x]
    low, high = _bounds(request.range or (None, None), parts)
    extent = Extent(request.buckets)
    for series, steps, times, values in points():
        x, _ = _along(request.x, begins.get(series.job, 0), steps, times, values)
        extent.add(x[(x >= low) & (x <= high)])
    grid = extent.grid()
    width = 0.0 if grid.exact is not None else grid.width / parts
    names = PLAIN if request.smooth.kind == "none" else PLAIN + RAW
    drawing = Drawing(grid.x / parts, unit, width, names)
    for series, steps, times, values in points():
        x, y = _along(request.x, begins.get(series.job, 0), steps, times, values)
        curve, found = _curve(request, series, x, y, grid, (x >= low) & (x <= high))
        drawing.curves.append(curve)
        drawing.columns.append(found)
    return drawing


def _read(ctx: Context, wanted: list[Series]) -> Iterator[Points]:
    """One at a time: no more than a series is in memory."""
    for series in wanted:
        with ctx.db.read() as connection:
            columns = metrics.columns(connection, series.job, series.key)
        yield series, *columns


def _begins(points: Iterable[Points]) -> dict[int, int]:
    """When each run began; or its first point, where a client gave that an earlier time."""
    begins: dict[int, int] = {}
    for series, _, times, _ in points:
        first = int(times.min()) if len(times) else series.begin
        begins[series.job] = min(begins.get(series.job, series.begin), first)
    return begins


def _bounds(limits: tuple[float | None, float | None], parts: int) -> tuple[int, int]:
    """The range in whole x, both included."""
    low, high = (None if limit is None else min(max(limit, -_BEYOND), _BEYOND) for limit in limits)
    least = -_INT64 if low is None else math.ceil(low * parts)
    return least, (_INT64 if high is None else math.floor(high * parts))


def _along(x: str, begin: int, steps: Whole, times: Whole, values: Floats) -> tuple[Whole, Floats]:
    """x, ascending, and the values there."""
    if x == "step":
        return steps, values
    if (times[1:] < times[:-1]).any():
        order = np.lexsort((steps, times))
        times, values = times[order], values[order]
    if x == "relative":
        passed = times.astype(np.uint64) - np.uint64(begin % 2**64)
        times = np.minimum(passed, np.uint64(_INT64 - 1)).astype(np.int64)
    return times, values


def _curve(
    request: QueryMetrics,
    series: Series,
    x: Whole,
    y: Floats,
    grid: Grid,
    inside: np.ndarray[tuple[int], np.dtype[np.bool_]],
) -> tuple[Curve, dict[str, Floats]]:
    """Smoothed over its whole length; what is not finite is left out of all but the count."""
    finite = np.isfinite(y)
    every = bucketed(grid, x[inside], y[inside])
    shown = inside & finite
    curve = Curve(
        run=series.run,
        key=series.key,
        points=int(every.count.sum()),
        not_finite=int((inside & ~finite).sum()),
        ratio=round(float(every.count.mean()), 2) if len(every.count) else 1.0,
    )
    smooth = _smoothed(request, x[finite], y[finite])[inside[finite]]
    columns = bucketed(grid, x[shown], smooth).spread(grid.count)
    columns["count"] = every.spread(grid.count)["count"]
    if request.smooth.kind != "none":
        raw = bucketed(grid, x[shown], y[shown]).spread(grid.count)
        columns |= {f"raw_{name}": raw[name] for name in ("min", "max", "last")}
    return curve, columns


def _smoothed(request: QueryMetrics, x: Whole, y: Floats) -> Floats:
    amount = request.smooth.amount
    match request.smooth.kind:
        case "ema" if len(x):
            passed = (x.astype(np.uint64) - np.uint64(int(x[0]) % 2**64)).astype(np.float64)
            return smoothing.ema(passed, y, amount)
        case "mean":
            return smoothing.mean(y, int(amount))
        case "gaussian":
            return smoothing.gaussian(y, amount)
        case _:
            return y
