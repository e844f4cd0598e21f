"""Metrics on the wire: keys and latest values, every point, and curves fit to draw."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from zaffre.base.limits import KEY_LENGTH
from zaffre.core.permissions import Permission
from zaffre.wire.jobs import JobRef
from zaffre.wire.operation import NUMBER, Body, Operation, Request, View, WorkspaceRequest

Key = Annotated[str, Field(min_length=1, max_length=KEY_LENGTH)]
Bound = Annotated[float, Field(allow_inf_nan=False)]


class Smoothing(Request):
    """`ema` keeps `amount` (0 to below 1) of the past at each point, as in TensorBoard, and heeds gaps in x; `mean` is
    that of `amount` points, the present one and those before it; `gaussian` has a sigma of `amount` points and is the
    only one that looks ahead.
    """

    kind: Literal["none", "ema", "mean", "gaussian"] = "none"
    amount: Bound = 0.0


class QueryMetrics(WorkspaceRequest):
    """Curves of all `keys` of all `runs` on one grid of x.

    `x`: `step`; `relative`, seconds since the run began; `wall`, milliseconds since 1970. `range` is [from, to] in the
    same unit, both included; null leaves an end open. Curves are smoothed at full resolution and over their whole
    length first, then cut to the range, then put into at most `buckets` buckets.
    """

    runs: list[str] = Field(min_length=1, max_length=1000)
    keys: list[Key] = Field(min_length=1, max_length=1000)
    x: Literal["step", "relative", "wall"] = "step"
    range: tuple[Bound | None, Bound | None] | None = None
    buckets: int = Field(default=800, ge=2, le=4000)
    smooth: Smoothing = Field(default_factory=Smoothing)


Column = Literal["min", "max", "last", "count", "raw_min", "raw_max", "raw_last"]


class QueryColumns(QueryMetrics):
    """`only` are the columns to send, all of them if it is empty. `bits` of each number of a column: 32 keep seven
    digits, enough to draw; x always has 64. Numbers too great for 32 bits make the whole answer one of 64.
    """

    only: list[Column] = Field(default_factory=list)
    bits: Literal[32, 64] = 64


class Curve(View):
    """One key of one run. `points` in the range, `not_finite` of them NaN or infinite: those are in no column but
    `count`. `ratio` points stand for one that is shown. `columns`: a list each, as long as `x` of the answer.
    """

    run: str
    key: str
    points: int
    not_finite: int
    ratio: float
    columns: dict[str, list[float | None]] = Field(default_factory=dict)


class Curves(View):
    """`x` has where each bucket begins, of all curves; null in a column means that a curve has nothing there.

    Columns: `min`, `max`, `last` of the (smoothed) values and `count` of points; with smoothing also `raw_min`,
    `raw_max`, `raw_last`, in which no outlier is lost. `width` is that of a bucket in units of x, 0 when each x that
    occurs has its own. Runs that lack a key have no curve. `ratio` is the greatest of all curves: above 1 there is
    more to see in a narrower range.
    """

    x: list[float]
    unit: str
    width: float
    ratio: float
    columns: list[str]
    curves: list[Curve]


class ListMetrics(JobRef):
    """The keys of a run."""


class Metric(View):
    """The latest value of a key: the greatest (step, timestamp, value). `points` is how many were sent."""

    model_config = ConfigDict(ser_json_inf_nan="strings")

    key: str
    value: float
    step: int
    timestamp: int  # milliseconds since 1970
    points: int


class MetricList(View):
    items: list[Metric]


class ReadHistory(JobRef):
    """Every point of a key, by step and time, in pages."""

    key: Key
    max_results: int = Field(default=100_000, ge=1, le=1_000_000)
    offset: int = Field(default=0, ge=0, le=NUMBER)


class History(View):
    """Columns of equal length. NaN and the infinities are strings, for JSON has none."""

    model_config = ConfigDict(ser_json_inf_nan="strings")

    steps: list[int]
    timestamps: list[int]  # milliseconds since 1970
    values: list[float]
    next_offset: int | None = None


_METRICS = "/workspaces/{workspace}/metrics"
_OF_JOB = "/workspaces/{workspace}/jobs/{name}/metrics"
READ = Permission.TRACKING_READ

QUERY = Operation("metrics.query", "POST", _METRICS + ":query", QueryMetrics, Curves, READ,
                  "Curves of several runs and keys, smoothed and bucketed", asks=True)  # fmt: skip
COLUMNS = Operation("metrics.columns", "POST", _METRICS + ":columns", QueryColumns, Curves, READ,
                    "As metrics.query, in binary: the length of the header (4 bytes, little-endian), the header (the "
                    "answer in JSON but for its numbers, filled up with spaces to a multiple of 8 bytes with the "
                    "length), then columns, little-endian: x in Float64, and for each curve each of `columns` in "
                    "floats of `bits`; NaN is null", Body.BYTES, asks=True)  # fmt: skip
LIST = Operation("metrics.list", "GET", _OF_JOB, ListMetrics, MetricList, READ, "Keys and latest values of a run")
HISTORY = Operation("metrics.history", "GET", _OF_JOB + "/history", ReadHistory, History, READ, "Every point of a key")
OPERATIONS: tuple[Operation[Any, Any], ...] = (QUERY, COLUMNS, LIST, HISTORY)
