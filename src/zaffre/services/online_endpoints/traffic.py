"""How an online endpoint does: requests, errors and latencies of each deployment over the last minutes."""

from __future__ import annotations

import time

from zaffre.core import traffic
from zaffre.core.traffic import Moment, Span
from zaffre.services.context import Context
from zaffre.services.online_endpoints.view import KIND
from zaffre.store import endpoints as store
from zaffre.wire.online import DeploymentTraffic, EndpointMetrics, ReadMetrics


def read(ctx: Context, request: ReadMetrics) -> EndpointMetrics:
    """Raises `NotFound`. Empty while no gateway has told anything."""
    with ctx.db.read() as connection:
        store.get(connection, request.workspace, KIND, request.name)
    step = max(traffic.EVERY_S, request.seconds / request.points)
    end = time.time() // step * step  # the same moments at every call: lines do not tremble
    count = int(request.seconds / step)
    times = [end - step * (count - at) for at in range(count + 1)]
    found = ctx.changes.traffic.of(f"{request.workspace}/{request.name}/")
    items = [_deployment(key.rpartition("/")[2], moments, times, step) for key, moments in sorted(found.items())]
    return EndpointMetrics(name=request.name, step_s=step, at=times[1:], items=items)


def _deployment(name: str, moments: list[Moment], times: list[float], step: float) -> DeploymentTraffic:
    pieces = traffic.spans(moments, times)
    inside = [one for one in moments if one.at >= times[0]] or moments[-1:]
    whole, last = traffic.between(inside[0], inside[-1]), inside[-1]
    return DeploymentTraffic(
        deployment=name, requests=whole.requests, failed=whole.failed, rejected=whole.rejected,
        in_flight=last.in_flight, waiting=last.waiting, workers=last.workers,
        p50_ms=_ms(whole, 0.5), p95_ms=_ms(whole, 0.95), p99_ms=_ms(whole, 0.99),
        per_s=[one.requests / step if one else None for one in pieces],
        errors_per_s=[(one.failed + one.rejected) / step if one else None for one in pieces],
        p50=[_ms(one, 0.5) for one in pieces], p95=[_ms(one, 0.95) for one in pieces],
        p99=[_ms(one, 0.99) for one in pieces],
    )  # fmt: skip


def _ms(span: Span | None, share: float) -> float | None:
    found = span.percentile(share) if span else None
    return None if found is None else round(1000 * found, 3)
