"""Counters of each deployment: in the gateway, where the server watches them too, and in the front of a package."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Counters:
    """Of one deployment, since its process started."""

    __slots__ = ("batches", "codes", "failed", "latency", "mirrored", "rejected", "requests", "seconds", "timeouts")

    def __init__(self) -> None:
        self.requests = self.failed = self.timeouts = self.rejected = self.mirrored = 0
        self.seconds = 0.0
        self.latency = [0] * (len(BOUNDS_S) + 1)
        self.batches = [0] * (len(BATCHES) + 1)
        self.codes: dict[int, int] = {}

    def answered(self, status: int, seconds: float, batch: int) -> None:
        self.requests += 1
        self.seconds += seconds
        self.latency[bisect_left(BOUNDS_S, seconds)] += 1
        self.codes[status] = self.codes.get(status, 0) + 1
        if status >= 500:
            self.failed += 1
        if batch:
            self.batches[bisect_left(BATCHES, batch)] += 1

    def told(self) -> dict[str, Any]:
        return {
            "requests": self.requests,
            "failed": self.failed,
            "timeouts": self.timeouts,
            "rejected": self.rejected,
            "mirrored": self.mirrored,
            "seconds": self.seconds,
            "latency": list(self.latency),
        }


def page(rows: list[tuple[dict[str, str], Counters, int, int, int]]) -> bytes:
    """Prometheus' text form. A row: labels, counters, requests under way, requests that wait, workers."""
    lines: list[str] = []

    def family(name: str, kind: str, about: str) -> None:
        lines.append(f"# HELP {name} {about}")
        lines.append(f"# TYPE {name} {kind}")

    family("zaffre_requests_total", "counter", "Requests by status code.")
    for labels, counters, *_ in rows:
        for code, count in sorted(counters.codes.items()):
            lines.append(f"zaffre_requests_total{{{_labels(labels, code=str(code))}}} {count}")
    for name, about, field in (
        ("zaffre_request_errors_total", "Requests that a model failed (5xx).", "failed"),
        ("zaffre_request_timeouts_total", "Requests that took too long.", "timeouts"),
        ("zaffre_requests_rejected_total", "Requests turned away with 429.", "rejected"),
        ("zaffre_requests_mirrored_total", "Copies of requests, answers thrown away.", "mirrored"),
    ):
        family(name, "counter", about)
        lines += [f"{name}{{{_labels(labels)}}} {getattr(counters, field)}" for labels, counters, *_ in rows]
    family("zaffre_request_duration_seconds", "histogram", "From the whole request to the answer.")
    for labels, counters, *_ in rows:
        _histogram(lines, "zaffre_request_duration_seconds", labels, BOUNDS_S, counters.latency, counters.seconds)
    family("zaffre_batch_size", "histogram", "Requests that were scored together.")
    for labels, counters, *_ in rows:
        _histogram(lines, "zaffre_batch_size", labels, BATCHES, counters.batches, float(counters.requests))
    for position, (name, about) in enumerate(
        (
            ("zaffre_requests_in_flight", "Requests that a worker has."),
            ("zaffre_requests_waiting", "Requests in the queue."),
            ("zaffre_workers", "Workers that are connected."),
        )
    ):
        family(name, "gauge", about)
        lines += [f"{name}{{{_labels(row[0])}}} {row[2 + position]}" for row in rows]
    return ("\n".join(lines) + "\n").encode()


def _histogram(
    lines: list[str], name: str, labels: dict[str, str], bounds: tuple[float, ...], counts: list[int], total: float
) -> None:
    running = 0
    for bound, count in zip((*bounds, "+Inf"), counts):
        running += count
        lines.append(f"{name}_bucket{{{_labels(labels, le=str(bound))}}} {running}")
    lines.append(f"{name}_sum{{{_labels(labels)}}} {total:.6f}")
    lines.append(f"{name}_count{{{_labels(labels)}}} {running}")


def _labels(labels: dict[str, str], **more: str) -> str:
    return ",".join(f'{key}="{value}"' for key, value in {**labels, **more}.items())
