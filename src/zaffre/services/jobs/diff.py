"""In what two jobs differ: what they were given, and what they made, step by step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zaffre.base.errors import InvalidRequest, ZaffreError
from zaffre.core.job_state import TERMINAL
from zaffre.services import places
from zaffre.services.context import Context
from zaffre.services.data import source
from zaffre.services.jobs.below import sources, tree_of
from zaffre.services.jobs.packages import packages
from zaffre.services.jobs.settings import settings
from zaffre.store import jobs as store
from zaffre.store import metrics
from zaffre.store.jobs import JobRecord
from zaffre.wire.jobs import Difference, DiffJobs, JobDiff, Part


@dataclass(frozen=True)
class _Run:
    """One job of a tree: its own row, and the job that really ran with what that had and logged."""

    job: JobRecord
    ran: JobRecord
    packages: Mapping[str, str]
    metrics: Mapping[str, float]


@dataclass
class _Report:
    given: list[Difference] = field(default_factory=list)
    made: list[Difference] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    all_outputs: bool = True  # could be compared


def diff(ctx: Context, request: DiffJobs) -> JobDiff:
    """Raises `NotFound`; `InvalidRequest` when no other job is named and this one repeats none."""
    with ctx.db.read() as connection:
        job = store.get(connection, request.workspace, request.name)
        of = request.other or str(((job.facts or {}).get("rerun") or {}).get("of") or "")
        if not of:
            raise InvalidRequest(
                f"job {job.name} repeats no other",
                code="NotCompared",
                hint=f"name the one to compare with: zaffre job diff --name {job.name} --to OTHER",
            )
        other = store.get(connection, request.workspace, of)
        before, after = (_runs(connection, tree_of(connection, one)) for one in (other, job))
    report = _Report()
    for path in dict.fromkeys([*before, *after]):
        _step(ctx, report, path or None, before.get(path), after.get(path))
    ended = job.status in TERMINAL and other.status in TERMINAL
    return JobDiff(
        job=job.name,
        other=other.name,
        ended=ended,
        same=ended and not report.made and report.all_outputs,
        given=report.given,
        made=report.made,
        unknown=report.unknown,
    )


def _runs(connection: Any, tree: Mapping[str, JobRecord]) -> dict[str, _Run]:
    ran = sources(connection, tree)
    had = dict(zip(ran, packages(connection, ran.values()), strict=True))
    last = metrics.last_values(connection, [one.id for one in ran.values()])
    return {path: _Run(job, ran[path], had[path], last.get(ran[path].id, {})) for path, job in tree.items()}


def _step(ctx: Context, report: _Report, step: str | None, before: _Run | None, after: _Run | None) -> None:
    if before is None or after is None:
        there = ["there" if run else None for run in (before, after)]
        report.made.append(Difference(step=step, what="step", name=str(step), before=there[0], after=there[1]))
        return
    old, new = before.ran, after.ran
    plans = old.plan or {}, new.plan or {}
    given = report.given
    if new.type != "pipeline":
        _one(given, step, "code", "code", *(_text(plan.get("code")) for plan in plans))
        _one(given, step, "code", "command", *(_text(plan.get("command")) for plan in plans))
        _many(given, step, "code", *(_git(job) for job in (old, new)))
        _data(report, step, *plans)
        _many(given, step, "variable", *_hidden(*(plan.get("variables") or {} for plan in plans)))
        if before.packages and after.packages:
            _many(given, step, "package", before.packages, after.packages)
        else:
            report.unknown.append(f"{f'step {step}: ' if step else ''}packages were not written down")
    _many(given, step, "parameter", *(settings(job)["parameters"] for job in (old, new)))
    _many(given, step, "machine", *((job.facts or {}).get("machine") or {} for job in (old, new)))
    _one(report.made, step, "status", "status", before.job.status.value, after.job.status.value)
    _many(report.made, step, "metric", before.metrics, after.metrics)
    if new.type != "pipeline":  # its outputs are those of steps
        _outputs(ctx, report, step, before.job, after.job)


def _git(job: JobRecord) -> dict[str, Any]:
    git = (job.facts or {}).get("git") or {}
    return {"commit": git.get("commit"), "uncommitted changes": git.get("diff_hash")}


def _hidden(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Only that a variable differs: its value may be a password."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    shown = [{name: "*** (another)" if run is after else "***" for name in names if name in run}
             for run in (before, after)]  # fmt: skip
    return shown[0], shown[1]


def _data(report: _Report, step: str | None, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """By content where its fingerprint is known, which the name of a version or an address does not tell."""
    before, after = (
        {port: item for port, item in (plan.get("inputs") or {}).items() if "uri" in item} for plan in (old, new)
    )
    for port in dict.fromkeys([*before, *after]):
        one, other = before.get(port), after.get(port)
        if one and other and not (one.get("identity") and other.get("identity")):
            if one["uri"] != other["uri"]:
                report.given.append(_difference(step, "data", port, _content(one), _content(other)))
            else:
                where = f"input {port} of {step}" if step else f"input {port}"
                report.unknown.append(f"{where}: no fingerprint of {one['uri']} was taken when it was read")
        elif (one or {}).get("identity") != (other or {}).get("identity"):
            report.given.append(_difference(step, "data", port, _content(one), _content(other)))


def _content(item: Mapping[str, Any] | None) -> str | None:
    if item is None:
        return None
    shown = str(item.get("asset") or item["uri"])
    return f"{shown} ({item['identity'][:12]})" if item.get("identity") else shown


def _outputs(ctx: Context, report: _Report, step: str | None, before: JobRecord, after: JobRecord) -> None:
    old, new = before.outputs or {}, after.outputs or {}
    for port in dict.fromkeys([*old, *new]):
        one, other = old.get(port) or {}, new.get(port) or {}
        if one and other and not (one.get("identity") and other.get("identity")):
            if bool(one.get("files")) or bool(other.get("files")):
                report.unknown.append(f"{f'step {step}: ' if step else ''}output {port} has no fingerprint")
                report.all_outputs = False
            continue
        if one.get("identity") != other.get("identity"):
            found = _difference(step, "output", port, one.get("identity"), other.get("identity"))
            found.files = _files(ctx, after.workspace, one, other)
            report.made.append(found)


def _files(ctx: Context, workspace: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Which files are not the same, where both outputs can still be read."""
    if not (before.get("uri") and after.get("uri")):
        return []
    try:
        old, new = (places.listing(ctx, workspace, item["uri"]) for item in (before, after))
    except (ZaffreError, OSError):
        return []
    return source.sentences(old, new)[: source.NAMED] if old and new else []


def _many(to: list[Difference], step: str | None, what: Part, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    for name in sorted({*old, *new}):
        _one(to, step, what, name, old.get(name), new.get(name))


def _one(to: list[Difference], step: str | None, what: Part, name: str, before: Any, after: Any) -> None:
    both_nan = all(isinstance(value, float) and math.isnan(value) for value in (before, after))
    if before != after and not both_nan:
        to.append(_difference(step, what, name, before, after))


def _difference(step: str | None, what: Part, name: str, before: Any, after: Any) -> Difference:
    delta = None
    if what == "metric" and before is not None and after is not None and math.isfinite(after - before):
        delta = after - before
    values = (value if isinstance(value, float) else _text(value) for value in (before, after))
    return Difference(step=step, what=what, name=name, before=next(values), after=next(values), delta=delta)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
