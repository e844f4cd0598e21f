"""Count the keys of runs that have become quiet, so that pickers need not look at every run."""

from __future__ import annotations

import time

from zaffre.base.clock import now_ms
from zaffre.services.context import Context
from zaffre.store import run_key_counts

ENDED_MS, BEGUN_MS = 5_000, 60_000  # ended so long ago, or begun: then few more parameters and tags come


def count_keys(ctx: Context, budget_s: float) -> bool:
    """For at most about so long, in short transactions; whether all is done."""
    end = time.monotonic() + budget_s
    while time.monotonic() < end:
        now = now_ms()
        with ctx.db.write() as connection:
            found = run_key_counts.count_quiet(ctx.db, connection, now - ENDED_MS, now - BEGUN_MS)
        if found < run_key_counts.AT_ONCE:
            return True
    return False
