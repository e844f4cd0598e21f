"""What is logged point by point is put together when nothing else is to do."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from zaffre import Workspace
from zaffre.engine import loop
from zaffre.services.tracking.create_run import create_run
from zaffre.services.tracking.log_batch import log_metrics
from zaffre.store import metrics
from zaffre.store.metrics import Point


def test_the_engine_compacts_metrics_in_idle_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "COMPACT_FIRST_S", 0.5)
    monkeypatch.setattr(loop, "COMPACT_EVERY_S", 0.2)
    with Workspace.local(tmp_path / "home") as ws:
        context = ws.transport._platform.ctx  # type: ignore[attr-defined]
        run = create_run(context, "default", experiment_id="0", run_name=None, user=None, start_time=None, tags={})
        for step in range(200):
            log_metrics(context, "default", run.record.name, [Point("loss", step, step, step)])
        deadline = time.monotonic() + 30
        while True:
            with context.db.read() as connection:
                if not metrics.fragmented(connection, least_chunks=64):
                    break
            assert time.monotonic() < deadline
            time.sleep(0.05)
        with context.db.read() as connection:
            found = metrics.history(connection, run.record.id, "loss")
        assert [step for _, step, _ in found] == list(range(200))
