"""Metrics in the store, on both databases."""

from __future__ import annotations

import math
import random
import threading
import time

import pytest
from sqlalchemy import update

from zaffre.base.clock import now_ms
from zaffre.base.errors import NotFound
from zaffre.base.home import Home
from zaffre.base.ids import first_at
from zaffre.services.context import Changes, Context, Settings
from zaffre.services.tracking.compact import compact_metrics
from zaffre.services.tracking.create_run import create_run
from zaffre.services.tracking.log_batch import log_metrics
from zaffre.store import metrics, resources, runs
from zaffre.store.db import Database
from zaffre.store.metric_form import fold, pack, records
from zaffre.store.metrics import Point
from zaffre.store.tables.tracking import metric_chunks


@pytest.fixture
def context(database: Database, tmp_path) -> Context:  # type: ignore[no-untyped-def]
    with database.write() as connection:
        resources.put_workspace(database, connection, "default", {})
    return Context(db=database, home=Home(tmp_path), content=None, environments=None, remote=None, vault=None,  # type: ignore[arg-type]
                   settings=Settings(), changes=Changes())  # fmt: skip


def _run(context: Context) -> tuple[str, int]:
    record = create_run(
        context, "default", experiment_id="0", run_name=None, user=None, start_time=None, tags={}
    ).record
    return record.name, record.id


def _latest(context: Context, job: int) -> dict[str, metrics.Latest]:
    with context.db.read() as connection:
        return {item.key: item for item in metrics.latest(connection, [job]).get(job, [])}


def test_the_latest_value_is_the_greatest_step_then_time_then_value(context: Context) -> None:
    run, job = _run(context)
    points = [Point("a", 1.0, 10, 5), Point("a", 9.0, 99, 4), Point("a", 2.0, 10, 5), Point("a", -1.0, 9, 5)]
    orders = [points, points[::-1]]
    for number, order in enumerate(orders):
        for point in order:
            log_metrics(context, "default", run, [point._replace(key=f"a{number}")])
    log_metrics(context, "default", run, [point._replace(key="whole") for point in points])
    found = _latest(context, job)
    assert {key: (item.value, item.step) for key, item in found.items()} == dict.fromkeys(
        ("a0", "a1", "whole"), (2.0, 5)
    )
    assert found["a0"].points == 4


def test_special_values_come_back_as_they_were(context: Context) -> None:
    run, job = _run(context)
    values = [math.nan, math.inf, -math.inf, -0.0, 5e-324, 1.7976931348623157e308]
    log_metrics(context, "default", run, [Point(f"k{i}", value, -(2**63), 2**63 - 1) for i, value in enumerate(values)])
    found = _latest(context, job)
    with context.db.read() as connection:
        for i, value in enumerate(values):
            ((timestamp, step, read),) = metrics.history(connection, job, f"k{i}")
            assert (timestamp, step) == (-(2**63), 2**63 - 1)
            for stored in (read, found[f"k{i}"].value):
                assert stored == value or (math.isnan(stored) and math.isnan(value))


def test_compaction_changes_no_series(context: Context) -> None:
    run, job = _run(context)
    chance = random.Random(1)
    points = [Point("a", chance.choice([math.nan, chance.random()]), chance.randrange(2**62), i) for i in range(300)]
    for start in range(0, 300, 3):
        log_metrics(context, "default", run, points[start : start + 3])
    log_metrics(context, "default", run, points[:3])
    with context.db.write() as connection:
        before = metrics.history(connection, job, "a")
        assert metrics.fragmented(connection) == [(job, "a")]
        assert metrics.compact(connection, job, "a") == 100
        assert repr(metrics.history(connection, job, "a")) == repr(before)
        assert metrics.fragmented(connection) == []
    log_metrics(context, "default", run, [Point("a", 1.0, 1, 1000)])
    with context.db.read() as connection:
        assert len(metrics.history(connection, job, "a")) == 301


def test_compaction_goes_on_in_small_steps_where_something_was_logged(context: Context) -> None:
    (old, old_job), (run, job) = _run(context), _run(context)
    for step in range(180):
        log_metrics(context, "default", old, [Point("a", step, step, step)])
    time.sleep(0.01)
    since = now_ms()
    for step in range(180):
        log_metrics(context, "default", run, [Point("a", step, step, step), Point("damaged", step, step, step)])
    with context.db.write() as connection:
        after = first_at(since)
        assert set(metrics.fragmented(connection, after=after)) == {(job, "a"), (job, "damaged")}
        assert metrics.compact(connection, job, "a", most=100) == 99
        assert [step for _, step, _ in metrics.history(connection, job, "a")] == list(range(180))
        of_damaged = (metric_chunks.c.job_id == job) & (metric_chunks.c.key == "damaged")
        connection.execute(update(metric_chunks).where(of_damaged).values(points=b"\0cut"))
    assert compact_metrics(context, since + 60_000, -1.0) == since + 60_000, "no time: to be done again"
    assert compact_metrics(context, since + 60_000, 10.0) > since
    with context.db.read() as connection:
        assert set(metrics.fragmented(connection, least_chunks=2)) == {(old_job, "a"), (job, "damaged")}


def test_a_chunk_is_small_and_says_when_it_is_damaged() -> None:
    regular = pack((step, 1_700_000_000_000 + step * 1000, 0.5) for step in range(10_000))
    folded = fold(regular[1:])
    assert len(folded) < len(regular) / 50
    assert list(records(folded)) == list(records(regular))
    assert list(records(fold(b""))) == []
    with pytest.raises(ValueError, match="cut off"):
        list(records(regular[:-1]))
    with pytest.raises(ValueError, match="unknown form"):
        list(records(b"\x07"))


def test_rel_10_writers_together_lose_nothing_and_wrong_ones_harm_no_others(context: Context) -> None:
    made = [_run(context) for _ in range(4)]
    refused: list[int] = []

    def write(number: int) -> None:
        run = made[number % 4][0]
        for step in range(100):
            if step % 10 == 0:
                try:
                    log_metrics(context, "default", "nobody", [Point("x", 1.0, 1, 1)])
                except NotFound:
                    refused.append(number)
            log_metrics(
                context, "default", run, [Point(f"w{number}", step, step, step), Point("shared", number, step, step)]
            )

    threads = [threading.Thread(target=write, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 160
    with context.db.read() as connection:
        for number in range(16):
            points = metrics.history(connection, made[number % 4][1], f"w{number}")
            assert [step for _, step, _ in points] == list(range(100))
        for _, job in made:
            assert len(metrics.history(connection, job, "shared")) == 400


def test_a_deleted_run_takes_no_metrics(context: Context) -> None:
    run, _ = _run(context)
    with context.db.write() as connection:
        runs.change(connection, runs.get(connection, "default", run), {"archived": True})
    with pytest.raises(Exception, match="deleted"):
        log_metrics(context, "default", run, [Point("x", 1.0, 1, 1)])
    with pytest.raises(NotFound):
        log_metrics(context, "other", run, [Point("x", 1.0, 1, 1)])
