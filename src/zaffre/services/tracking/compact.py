"""Put the small pieces of metric series together: what is logged point by point is then read and kept as cheaply."""

from __future__ import annotations

import logging
import time

from zaffre.base.clock import now_ms
from zaffre.base.ids import first_at
from zaffre.services.context import Context
from zaffre.store import metrics

log = logging.getLogger("zaffre.tracking")
OVERLAP_MS = 60_000  # a transaction may have taken its numbers so long before it committed


def compact_metrics(ctx: Context, since: int, budget_s: float) -> int:
    """Series that were logged to since then (ms), for at most about so long; until when all of it is done (ms).

    One short transaction after the other: writers wait for none of them for long.
    """
    began, end = now_ms(), time.monotonic() + budget_s
    after, damaged = first_at(since - OVERLAP_MS), set[tuple[int, str]]()
    while True:
        with ctx.db.read() as connection:
            found = metrics.fragmented(connection, limit=100 + len(damaged), after=after)
        if not set(found) - damaged:
            return began
        for job, key in found:
            if time.monotonic() > end:
                return since
            try:
                with ctx.db.write() as connection:
                    metrics.compact(connection, job, key)
            except ValueError as error:
                damaged.add((job, key))
                log.warning("metric %s of job %s: %s", key, job, error)
