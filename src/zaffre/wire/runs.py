"""Runs on the wire: jobs as people search, count and compare them, with what they logged.

One filter string everywhere: `metrics.loss < 0.3 and params.model = 'tree' and created > '2026-11-01'`. What may be
asked is what a row shows (docs/filter.md). A wrong filter is refused with the character at which it went wrong: the
fault's `column`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from zaffre.core.permissions import Permission
from zaffre.wire.jobs import Listed
from zaffre.wire.operation import Operation, View, WorkspaceRequest

Kind = Literal["metrics", "params", "tags"]
Change = Literal["added", "removed", "changed", "renamed"]
FieldName = Annotated[str, Field(min_length=1, max_length=300)]


class ChooseRuns(WorkspaceRequest):
    """Which runs: by filter, experiments, place in the tree of jobs."""

    filter: str | None = Field(default=None, max_length=20_000)
    experiment_names: list[str] = Field(default_factory=list, max_length=1000)  # none: every one of the workspace
    parent_job_name: str | None = None  # only those below this one
    top_level: bool = False  # only those that are below no other
    listed: Listed = "active"


class SearchRuns(ChooseRuns):
    """A page of runs. `order_by`: `metrics.loss`, `params.lr desc`, `created desc`; then, and without it, newest first.

    `fields` are those of the rows: `status`, `metrics.loss`, `params.lr`, `tags.team`, and `metrics.*`, `params.*`,
    `tags.*` for all; without it every field that is not a metric, parameter or tag. The name is always there. A page
    may be shorter than `max_results`; there are more while there is a cursor.
    """

    order_by: list[FieldName] = Field(default_factory=list, max_length=10)
    fields: list[FieldName] | None = Field(default=None, max_length=2000)
    max_results: int = Field(default=100, ge=1, le=1000)
    cursor: str | None = Field(default=None, max_length=10_000)  # of the former page of the same search


class RunRow(View):
    """A run with the fields that were asked for. `metrics` are the last values of each key.

    NaN and the infinities travel as "NaN", "Infinity" and "-Infinity".
    """

    model_config = ConfigDict(extra="forbid", defer_build=True, ser_json_inf_nan="strings")

    name: str
    display_name: str | None = None
    type: str | None = None
    status: str | None = None
    experiment_name: str | None = None
    created_at: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    duration_s: float | None = None  # of a running one: until now
    parent_job_name: str | None = None
    node: str | None = None
    created_by: str | None = None
    compute: str | None = None
    reused_from: str | None = None
    archived: bool | None = None  # only when it is
    metrics: dict[str, float] | None = None
    params: dict[str, str] | None = None
    tags: dict[str, str] | None = None


class RunList(View):
    items: list[RunRow]
    cursor: str | None = None  # of the next page


class CountRuns(ChooseRuns):
    pass


class RunCount(View):
    count: int


class ListKeys(WorkspaceRequest):
    """The names of metrics, parameters and tags that begin with `prefix`, in the order of their names."""

    prefix: str = Field(default="", max_length=250)
    kind: Kind | None = None  # none: all three
    experiment_name: str | None = None
    max_results: int = Field(default=1000, ge=1, le=10_000)
    cursor: str | None = Field(default=None, max_length=2000)


class RunKey(View):
    """`runs` logged it, archived ones not counted. The range is that of their last
    values; a parameter has one when some of its values are numbers.
    """

    model_config = ConfigDict(extra="allow", defer_build=True, ser_json_inf_nan="strings")

    kind: Kind
    key: str
    runs: int
    min: float | None = None
    max: float | None = None


class KeyList(View):
    items: list[RunKey]
    cursor: str | None = None


class CompareRuns(WorkspaceRequest):
    """Up to 100 runs beside each other. Differences are those to `baseline`, the first one unless another is named."""

    runs: list[str] = Field(min_length=1, max_length=100)
    baseline: str | None = None
    only_differences: bool = False  # leave out what is the same in all of them
    parts: list[Literal["params", "metrics", "tags", "inputs", "environment", "code"]] | None = None  # none: all


class ComparedText(View):
    """`values` stand in the order of the runs; none where a run has no such thing."""

    key: str
    values: list[str | None]
    differs: bool


class ComparedMetric(View):
    """`deltas` are value minus that of the baseline; none where one of them is not there or is no finite number."""

    model_config = ConfigDict(extra="allow", defer_build=True, ser_json_inf_nan="strings")

    key: str
    values: list[float | None]
    deltas: list[float | None]
    differs: bool


class CodeChange(View):
    """One file. `diff` is unified, none for a file that is no text or has no other content."""

    path: str
    change: Change
    former_path: str | None = None
    size: int | None = None
    former_size: int | None = None
    diff: str | None = None
    note: str | None = None  # why there is no diff, or that it is cut


class CodeDiff(View):
    """The code of a run against that of the baseline. `known` is false when one of them has no stored code."""

    run: str
    known: bool
    same: bool
    commit: str | None = None
    files: list[CodeChange] = Field(default_factory=list)
    cut: bool = False  # more files differ than are told


class RunComparison(View):
    """Parts that were not asked for are absent."""

    baseline: str
    runs: list[RunRow]  # in the order in which they were named
    params: list[ComparedText] | None = None
    metrics: list[ComparedMetric] | None = None
    tags: list[ComparedText] | None = None
    inputs: list[ComparedText] | None = None  # literal values, `kind:name:version` of assets, addresses
    environment: list[ComparedText] | None = None  # package -> version, and `python`
    code: list[CodeDiff] | None = None  # of every run but the baseline


_RUNS = "/workspaces/{workspace}/runs"


class FindImages(WorkspaceRequest):
    """Which pictures these runs logged; with `series` also the pictures of that one."""

    runs: list[Annotated[str, Field(max_length=250)]] = Field(min_length=1, max_length=100)
    series: str | None = Field(default=None, max_length=1000)
    max_results: int = Field(default=2000, ge=1, le=10_000)


class ImageSeries(View):
    """Pictures that belong together: by the key of `mlflow.log_image`, or by a path but for its last number (`#`)."""

    name: str
    images: int
    runs: int  # that have one


class RunImage(View):
    run: str
    step: int | None = None
    path: str  # among the artifacts of the run
    size: int | None = None  # bytes


class RunImages(View):
    series: list[ImageSeries]
    items: list[RunImage]  # by step
    complete: bool  # else there are more than were looked at


SEARCH = Operation("runs.search", "POST", _RUNS + "/search", SearchRuns, RunList, Permission.JOBS_READ,
                   "Search runs: filter, order, projection, pages", asks=True)  # fmt: skip
COUNT = Operation("runs.count", "POST", _RUNS + "/count", CountRuns, RunCount, Permission.JOBS_READ,
                  "Count runs", asks=True)  # fmt: skip
KEYS = Operation("runs.keys", "GET", _RUNS + "/keys", ListKeys, KeyList, Permission.JOBS_READ,
                 "List the names of metrics, parameters and tags")  # fmt: skip
COMPARE = Operation("runs.compare", "POST", _RUNS + "/compare", CompareRuns, RunComparison, Permission.JOBS_READ,
                    "Compare runs: parameters, metrics, tags, inputs, packages, code", asks=True)  # fmt: skip
IMAGES = Operation("runs.images", "POST", _RUNS + "/images", FindImages, RunImages, Permission.JOBS_READ,
                   "Find the pictures that runs logged", asks=True)  # fmt: skip

OPERATIONS: tuple[Operation[Any, Any], ...] = (SEARCH, COUNT, KEYS, COMPARE, IMAGES)
