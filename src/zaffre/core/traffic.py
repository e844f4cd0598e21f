"""What deployments answered in the last minutes: counters at moments, and rates and percentiles made from them."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import Any

from zaffre.core.rollout import Seen

EVERY_S, KEPT = 2.0, 450  # a quarter of an hour
BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)  # as the gateway counts


@dataclass(frozen=True)
class Moment:
    """The counters of one deployment at a time (seconds since 1970)."""

    at: float
    seen: Seen
    rejected: int = 0
    in_flight: int = 0
    waiting: int = 0
    workers: int = 0


@dataclass(frozen=True)
class Span:
    """What came between two moments; rates are per second, latencies in seconds."""

    requests: int
    failed: int
    rejected: int
    latency: tuple[int, ...]

    def percentile(self, share: float) -> float | None:
        """Estimated inside of its bucket as Prometheus does (histogram_quantile); None where nothing was asked."""
        total = sum(self.latency)
        if not total:
            return None
        wanted, running, low = share * total, 0, 0.0
        for bound, count in zip((*BOUNDS_S, inf), self.latency, strict=False):
            if count and running + count >= wanted:
                return low if bound == inf else low + (bound - low) * (wanted - running) / count
            running += count
            low = bound
        return BOUNDS_S[-1]


class History:
    """Of every deployment, by `workspace/endpoint/deployment`. Threads may add and read at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._moments: dict[str, deque[Moment]] = {}
        self._last = 0.0

    def add(self, now: float, stats: Mapping[str, Mapping[str, Any]]) -> None:
        """Counters as the gateway tells them. What it tells sooner than every two seconds is left out."""
        if 0 <= now - self._last < EVERY_S:
            return
        with self._lock:
            self._last = now
            for gone in self._moments.keys() - stats.keys():
                del self._moments[gone]
            for key, told in stats.items():
                moments = self._moments.setdefault(key, deque(maxlen=KEPT))
                seen = Seen.of(told)
                if moments and moments[-1].seen == seen:
                    seen = moments[-1].seen  # one object for all quiet moments
                numbers = (int(told["rejected"]), int(told["in_flight"]), int(told["waiting"]), int(told["ready"]))
                moments.append(Moment(now, seen, *numbers))

    def of(self, prefix: str) -> dict[str, list[Moment]]:
        """The moments of each deployment whose id begins so."""
        with self._lock:
            return {key: list(moments) for key, moments in self._moments.items() if key.startswith(prefix)}


def spans(moments: Sequence[Moment], times: Sequence[float]) -> list[Span | None]:
    """What came between each two neighbours of `times`; None where nothing is known. The first piece may be shorter."""
    known = [one.at for one in moments]
    ends = [moments[at - 1] if (at := bisect_right(known, time)) else None for time in times]
    return [between(start or moments[0], end) if end else None for start, end in pairwise(ends)]


def between(start: Moment, end: Moment) -> Span:
    """A gateway that was started anew counts from zero."""
    seen = end.seen.since(start.seen)
    anew = end.seen.requests < start.seen.requests or end.rejected < start.rejected
    return Span(seen.requests, seen.failed, end.rejected - (0 if anew else start.rejected), seen.latency)
