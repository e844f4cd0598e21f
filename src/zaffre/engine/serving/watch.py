"""Watch what was changed: a deployment that is worse than what served before goes back by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zaffre.core.rollout import Seen, worse

WATCH_S = 600.0
BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)  # as the gateway counts
OFF_TAG = "zaffre.auto_rollback"  # a tag of the endpoint; `false` keeps every change


@dataclass
class Watch:
    """Of one change of one endpoint. `verb` is that of the change; `subjects` are the deployments that got more."""

    endpoint: str  # workspace/name
    verb: str
    subjects: tuple[str, ...]  # ids of deployments
    before: Seen
    start: dict[str, Seen]
    until: float

    def verdict(self, stats: dict[str, Any]) -> str | None:
        for subject in self.subjects:
            seen = Seen.of(stats.get(subject)).since(self.start.get(subject, Seen()))
            if (reason := worse(seen, self.before, BOUNDS_S)) is not None:
                return f"deployment {subject.rpartition('/')[2]}: {reason}"
        return None


def of_traffic(
    endpoint: str, before: dict[str, int], after: dict[str, int], stats: dict[str, Any], now: float
) -> Watch | None:
    """None when there is nothing to go back to, or nobody got more."""
    ids = {name: f"{endpoint}/{name}" for name in {*before, *after}}
    grown = tuple(ids[name] for name, share in after.items() if share > before.get(name, 0))
    former = [ids[name] for name, share in before.items() if share and ids[name] not in grown]
    if not grown or not any(before.values()):
        return None
    past = sum((Seen.of(stats.get(one)) for one in former), Seen())
    return Watch(endpoint, "traffic", grown, past, _now(grown, stats), now + WATCH_S)


def of_revision(deployment: str, stats: dict[str, Any], now: float) -> Watch:
    """The same deployment before is what it is measured by."""
    endpoint = deployment.rpartition("/")[0]
    subjects = (deployment,)
    return Watch(endpoint, "update", subjects, Seen.of(stats.get(deployment)), _now(subjects, stats), now + WATCH_S)


def _now(subjects: tuple[str, ...], stats: dict[str, Any]) -> dict[str, Seen]:
    return {one: Seen.of(stats.get(one)) for one in subjects}
