"""Compare runs: what they were given, what came out, and with which code and packages."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from zaffre.base.clock import now_ms
from zaffre.base.errors import InvalidRequest
from zaffre.core.run_fields import parse_fields
from zaffre.services.context import Context
from zaffre.services.jobs.lineage import edge_of
from zaffre.services.jobs.packages import packages
from zaffre.services.runs.compare_code import code_diffs
from zaffre.services.runs.row import own_tags, rows
from zaffre.store import job_tags, metrics, params, runs
from zaffre.store import jobs as store
from zaffre.store.jobs import JobRecord
from zaffre.wire.runs import ComparedMetric, ComparedText, CompareRuns, RunComparison

PARTS = ("params", "metrics", "tags", "inputs", "environment", "code")
Values = Sequence[Mapping[str, Any]]  # of each run


def compare(ctx: Context, request: CompareRuns) -> RunComparison:
    """Raises `NotFound` for an unknown run, `InvalidRequest` when the baseline is none of them."""
    names = list(dict.fromkeys(request.runs))
    baseline = request.baseline or names[0]
    if baseline not in names:
        what = f"the baseline {baseline:.300} is not one of the runs"
        raise InvalidRequest(what, code="NotCompared", hint="name it among the runs as well")
    parts = request.parts or PARTS
    base = names.index(baseline)
    with ctx.db.read() as connection:
        records = [runs.get(connection, request.workspace, name) for name in names]
        sources = [record.source_id for record in records]
        found: dict[str, Any] = {
            "baseline": baseline,
            "runs": rows(connection, records, parse_fields(None), now_ms()),
        }
        jobs = store.by_ids(connection, sources) if {"inputs", "environment", "code"} & set(parts) else {}
        ran = [jobs[source] for source in sources] if jobs else []
        ask: dict[str, Callable[[], Values]] = {
            "params": lambda: _of(params.of(connection, sources), sources),
            "tags": lambda: [own_tags(item) for item in _of(job_tags.tags_of(connection, [r.id for r in records]),
                                                            [r.id for r in records])],
            "inputs": lambda: [_inputs(job) for job in ran],
            "environment": lambda: packages(connection, ran),
        }  # fmt: skip
        for part, values in ask.items():
            if part in parts:
                found[part] = _texts(values(), request.only_differences)
        if "metrics" in parts:
            last = _of(metrics.last_values(connection, sources), sources)
            found["metrics"] = _metrics(last, base, request.only_differences)
    if "code" in parts:
        diffs = code_diffs(ctx, request.workspace, names, ran, base)
        found["code"] = [diff for diff in diffs if not (request.only_differences and diff.same)]
    return RunComparison(**found)


def _of(values: Mapping[int, Mapping[str, Any]], ids: Sequence[int]) -> Values:
    return [values.get(id_, {}) for id_ in ids]


def _keys(values: Values) -> list[str]:
    return sorted({key for item in values for key in item})


def _texts(values: Values, only_differences: bool) -> list[ComparedText]:
    compared = []
    for key in _keys(values):
        row = [item.get(key) for item in values]
        differs = any(value != row[0] for value in row)
        if differs or not only_differences:
            compared.append(ComparedText(key=key, values=row, differs=differs))
    return compared


def _metrics(values: Values, base: int, only_differences: bool) -> list[ComparedMetric]:
    compared = []
    for key in _keys(values):
        row = [item.get(key) for item in values]
        differs = len({"NaN" if value is not None and math.isnan(value) else value for value in row}) > 1
        if differs or not only_differences:
            deltas = [_delta(value, row[base]) for value in row]
            compared.append(ComparedMetric(key=key, values=row, deltas=deltas, differs=differs))
    return compared


def _delta(value: float | None, base: float | None) -> float | None:
    if value is None or base is None or not math.isfinite(value - base):
        return None
    return value - base


def _inputs(job: JobRecord) -> dict[str, str]:
    """Literal values as they are; data as `kind:name:version`, or by address."""
    shown = {}
    for port, item in ((job.plan or {}).get("inputs") or {}).items():
        edge = edge_of(job.id, port, item)
        if edge is not None:
            shown[port] = edge.ref if edge.kind == "uri" else f"{edge.kind}:{edge.ref}"
        elif item.get("value") is not None:
            shown[port] = str(item["value"])
    return shown
