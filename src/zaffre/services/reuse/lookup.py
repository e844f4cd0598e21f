"""Is the result of a step known already, and is it still there?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from zaffre.base.errors import ZaffreError
from zaffre.core import reuse
from zaffre.services import places
from zaffre.services.context import Context
from zaffre.store import job_reuse
from zaffre.store.jobs import JobRecord


@dataclass(frozen=True)
class Hit:
    """An earlier job whose result is that of the step; `saved_s` is how long it ran."""

    job: JobRecord
    saved_s: float

    @property
    def reason(self) -> str:
        return f"reused from {self.job.name}, saves {self.saved_s:.1f} s"


QUICK_FILES = 200  # so many files are looked at in a few milliseconds


def key_of(plan: dict[str, Any]) -> tuple[dict[str, Any] | None, str | None]:
    """(parts, key) of a step; (None, None) if it is never reused."""
    if plan["kind"] == "pipeline" or not plan.get("deterministic", True):
        return None, None
    parts = reuse.parts(plan)
    return (parts, reuse.key(parts)) if parts else (None, None)


def find(ctx: Context, workspace: str, keys: Sequence[str]) -> dict[str, tuple[Hit | None, str | None]]:
    """For each key a hit, or why the known result cannot be used; keys that are not known are left out."""
    with ctx.db.read() as connection:
        known = job_reuse.reusable(connection, workspace, keys)
    found: dict[str, tuple[Hit | None, str | None]] = {}
    for key, job in known.items():
        problem = damage(ctx, job)
        found[key] = (None, problem) if problem else (Hit(job, spent_s(job)), None)
    return found


def spent_s(job: JobRecord) -> float:
    return ((job.ended_at or 0) - (job.started_at or job.ended_at or 0)) / 1000


def is_quick(job: JobRecord) -> bool:
    """Whether `damage` looks at few local files."""
    outputs = (job.outputs or {}).values()
    return sum(int(output.get("files") or 0) for output in outputs) <= QUICK_FILES and all(
        places.is_built_in(output["uri"]) for output in outputs
    )


def damage(ctx: Context, job: JobRecord) -> str | None:
    """Why the outputs of a job cannot be used any more, in words; None if all is there and unaltered."""
    for port, output in (job.outputs or {}).items():
        if "identity" not in output:
            continue
        try:
            now = places.identity(ctx, job.workspace, output["uri"])
        except ZaffreError:
            return f"output {port} of {job.name} is gone"
        if now != output["identity"]:
            return f"output {port} of {job.name} was altered"
    return None
