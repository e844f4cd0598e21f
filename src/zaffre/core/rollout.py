"""Decisions about a running deployment: is it worse than what served before, how many workers does it need. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

FEW, ENOUGH = 5, 20  # requests after which a share of errors means something: all of a few, or a share of enough
ERROR_SHARE = 0.10  # above that of before
LATENCY_REQUESTS = 50
SLOW_S, SLOWER = 0.25, 4.0  # a 95th percentile above this, and so many times that of before


@dataclass(frozen=True)
class Seen:
    """What the gateway counted: requests, those a model failed (5xx, timeouts), and their latencies in its buckets."""

    requests: int = 0
    failed: int = 0
    latency: tuple[int, ...] = field(default=())

    @classmethod
    def of(cls, stats: Mapping[str, Any] | None) -> Seen:
        if not stats:
            return cls()
        return cls(int(stats["requests"]), int(stats["failed"]), tuple(stats["latency"]))

    def since(self, former: Seen) -> Seen:
        """What came after `former`. A gateway that was started anew counts from zero."""
        if self.requests < former.requests:
            return self
        before = former.latency or (0,) * len(self.latency)
        return Seen(
            self.requests - former.requests,
            self.failed - former.failed,
            tuple(now - then for now, then in zip(self.latency, before, strict=False)),
        )

    def __add__(self, other: Seen) -> Seen:
        if not self.latency or not other.latency:
            return Seen(self.requests + other.requests, self.failed + other.failed, self.latency or other.latency)
        both = tuple(a + b for a, b in zip(self.latency, other.latency, strict=False))
        return Seen(self.requests + other.requests, self.failed + other.failed, both)

    @property
    def error_share(self) -> float:
        return self.failed / self.requests if self.requests else 0.0

    def percentile(self, share: float, bounds: Sequence[float]) -> float:
        """The upper bound of the bucket in which that share of the requests ends, in seconds."""
        wanted, running = share * sum(self.latency), 0
        for bound, count in zip((*bounds, float("inf")), self.latency, strict=False):
            running += count
            if running >= wanted:
                return bound
        return 0.0


def worse(now: Seen, before: Seen, bounds: Sequence[float]) -> str | None:
    """Why a new deployment must go back, in words; None while there is no reason.

    Errors: all of the first few requests, or of enough requests a tenth more than before. Latency: a 95th percentile
    of more than a quarter of a second that is four times that of before.
    """
    if now.requests >= FEW and now.failed == now.requests and before.error_share < 1:
        return f"all of its first {now.requests} requests failed"
    if now.requests >= ENOUGH and now.error_share > before.error_share + ERROR_SHARE:
        return f"{now.error_share:.0%} of {now.requests} requests failed, {before.error_share:.0%} did before"
    if sum(now.latency) >= LATENCY_REQUESTS and sum(before.latency) >= LATENCY_REQUESTS:
        new, old = now.percentile(0.95, bounds), before.percentile(0.95, bounds)
        if new > SLOW_S and new > SLOWER * old:
            return f"its 95th percentile is above {SLOW_S:g} s and {SLOWER:g} times that of before"
    return None


def workers_wanted(load: float, concurrency: int, scale: Mapping[str, Any], idle_s: float) -> int:
    """How many workers so many requests at once (under way and waiting) need, within `min` and `max`."""
    low, high = int(scale["min"]), int(scale["max"])
    if low == high:
        return low
    needed = ceil(load / (concurrency * float(scale["target"])) - 1e-9)
    if load > 0:
        needed = max(needed, 1)
    elif low == 0 and idle_s < float(scale["idle_s"]):
        needed = 1
    return max(low, min(high, needed))
