"""metrics/query over both databases: nothing lost, nothing wrong shown, nothing unbounded."""

from __future__ import annotations

import json
import math
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from sqlalchemy import update

from zaffre.base.errors import InvalidRequest, NotFound, TooLarge
from zaffre.base.home import Home
from zaffre.services.context import Changes, Context, Settings
from zaffre.services.metrics import query as service
from zaffre.services.metrics.show import history, list_metrics
from zaffre.services.tracking.create_run import create_run
from zaffre.services.tracking.log_batch import log_metrics
from zaffre.store import metrics, resources
from zaffre.store.db import Database
from zaffre.store.metric_form import fold
from zaffre.store.metrics import Point
from zaffre.store.tables.jobs import jobs
from zaffre.store.tables.tracking import metric_chunks, metric_latest
from zaffre.wire.metrics import Curve, Curves, ListMetrics, QueryColumns, QueryMetrics, ReadHistory


@pytest.fixture
def context(database: Database, tmp_path: Path) -> Context:
    with database.write() as connection:
        resources.put_workspace(database, connection, "default", {})
    unused: Any = None
    return Context(db=database, home=Home(tmp_path), content=unused, environments=unused, remote=unused, vault=unused,
                   settings=Settings(), changes=Changes())  # fmt: skip


def _run(context: Context) -> tuple[str, int]:
    record = create_run(
        context, "default", experiment_id="0", run_name=None, user=None, start_time=None, tags={}
    ).record
    return record.name, record.id


def _store(context: Context, job: int, key: str, steps: Any, times: Any, values: Any) -> None:
    """As a compacted series lies in the database."""
    points = np.empty(len(steps), [("s", "<i8"), ("t", "<i8"), ("v", "<f8")])
    points["s"], points["t"], points["v"] = steps, times, values
    size = metrics.CHUNK_POINTS
    with context.db.write() as connection:
        metrics.append(context.db, connection, [(job, [Point(key, 0.0, 0, 0)])])
        connection.execute(metric_chunks.delete().where(metric_chunks.c.job_id == job, metric_chunks.c.key == key))
        rows = [{"id": metrics.sequence(), "job_id": job, "key": key, "count": len(points[i : i + size]),
                 "points": fold(points[i : i + size].tobytes())} for i in range(0, len(points), size)]  # fmt: skip
        connection.execute(metric_chunks.insert(), rows)
        connection.execute(
            update(metric_latest).where(metric_latest.c.job_id == job, metric_latest.c.key == key)
            .values(points=len(points))
        )  # fmt: skip


def _ask(context: Context, **fields: Any) -> Curves:
    """In JSON; and the binary form must say the same."""
    request = QueryMetrics(**fields)
    found = service.query(context, request)
    body = service.columns(context, QueryColumns(**fields))
    size = int.from_bytes(body[:4], "little")
    assert (4 + size) % 8 == 0
    header = json.loads(body[4 : 4 + size])
    numbers = np.frombuffer(body[4 + size :], "<f8").reshape(-1, header["rows"]) if header["rows"] else np.empty((0, 0))
    if header["rows"]:
        assert numbers[0].tolist() == found.x
        assert len(numbers) == 1 + len(header["curves"]) * len(header["columns"])
    line = 1
    for curve, told in zip(found.curves, header["curves"], strict=True):
        assert (curve.run, curve.key, curve.points) == (told["run"], told["key"], told["points"])
        for name in header["columns"] if header["rows"] else ():
            shown = [None if math.isnan(value) else value for value in numbers[line].tolist()]
            assert curve.columns[name] == shown
            line += 1
    return found


def _only(found: Curves) -> Curve:
    assert len(found.curves) == 1
    return found.curves[0]


def test_few_points_are_shown_as_they_are(context: Context) -> None:
    run, _ = _run(context)
    log_metrics(context, "default", run, [Point("loss", step / 10, 1000 + step, step) for step in (0, 10, 1000, 7)])
    log_metrics(context, "default", run, [Point("loss", 0.0, 1000, 0)])  # sent again
    found = _ask(context, runs=[run], keys=["loss"])
    assert found.x == [0, 7, 10, 1000]
    assert (found.width, found.ratio) == (0, 1)
    assert _only(found).columns == {
        "min": [0, 0.7, 1, 100], "max": [0, 0.7, 1, 100], "last": [0, 0.7, 1, 100], "count": [1, 1, 1, 1],
    }  # fmt: skip


def test_a_spike_among_a_million_points_is_never_lost(context: Context) -> None:
    run, job = _run(context)
    for spike in (0, 123_457, 999_999):
        values = np.zeros(1_000_000)
        values[spike] = 42.0
        _store(context, job, f"k{spike}", np.arange(1_000_000), np.arange(1_000_000) + 10**12, values)
        for x in ("step", "wall", "relative"):
            found = _ask(context, runs=[run], keys=[f"k{spike}"], x=x)
            assert max(value for value in _only(found).columns["max"] if value is not None) == 42
            assert 2 <= len(found.x) <= 800
            assert found.ratio > 1000
        smooth = _only(
            _ask(context, runs=[run], keys=[f"k{spike}"], smooth={"kind": "ema", "amount": 0.99}, buckets=100)
        )
        assert 42 in smooth.columns["raw_max"]
        assert sum(smooth.columns["count"]) == 1_000_000


def test_several_runs_share_one_grid(context: Context) -> None:
    (one, first), (two, second), (three, _) = (_run(context) for _ in range(3))
    _store(context, first, "a/b", np.arange(0, 10_000), np.arange(10_000), np.sin(np.arange(10_000)))
    _store(context, second, "a/b", np.arange(5000, 15_000), np.arange(10_000), np.arange(10_000.0))
    _store(context, second, "c", [7], [0], [1.0])
    found = _ask(context, runs=[one, two, three, one], keys=["a/b", "c", "nothing"], buckets=150)
    assert [(curve.run, curve.key) for curve in found.curves] == [(one, "a/b"), (two, "a/b"), (two, "c")]
    assert found.width == math.ceil(15_000 / 149)
    assert found.x == [found.width * i for i in range(len(found.x))]
    left, right, lone = (curve.columns for curve in found.curves)
    for i, x in enumerate(found.x):
        here = np.arange(max(x, 5000), min(x + found.width, 15_000)) - 5000
        assert right["count"][i] == len(here)
        assert right["last"][i] == (here[-1] if len(here) else None)
        assert right["min"][i] == (here[0] if len(here) else None)
        assert (left["min"][i] is None) == (x >= 10_000)
    assert [i for i, count in enumerate(lone["count"]) if count] == [0]
    assert found.ratio == pytest.approx(100, rel=0.05)


def test_a_zoom_shows_the_same_smoothed_curve(context: Context) -> None:
    run, job = _run(context)
    values = np.random.default_rng(5).normal(size=50_000).cumsum()
    _store(context, job, "k", np.arange(50_000), np.arange(50_000), values)
    for smooth in (
        {"kind": "ema", "amount": 0.98},
        {"kind": "mean", "amount": 300},
        {"kind": "gaussian", "amount": 20},
    ):
        whole = _only(_ask(context, runs=[run], keys=["k"], smooth=smooth, buckets=4000))
        near = _ask(context, runs=[run], keys=["k"], smooth=smooth, buckets=4000, range=[26_000, 28_000])
        assert near.x == [float(step) for step in range(26_000, 28_001)]
        lasts = dict(zip(near.x, _only(near).columns["last"], strict=True))
        x = service.query(context, QueryMetrics(runs=[run], keys=["k"], buckets=4000)).x
        compared = 0
        for begin, last in zip(x, whole.columns["last"], strict=True):
            end = begin + 12  # of a bucket of 13 steps
            if end in lasts:
                assert last == pytest.approx(lasts[end], rel=1e-9, abs=1e-9)
                compared += 1
        assert compared > 100


def test_time_is_that_of_the_run(context: Context) -> None:
    run, job = _run(context)
    with context.db.write() as connection:
        connection.execute(update(jobs).where(jobs.c.id == job).values(started_at=1_000_000))
    _store(context, job, "late", [3, 1, 2], [1_007_000, 1_005_000, 1_006_500], [3.0, 1.0, 2.0])
    found = _ask(context, runs=[run], keys=["late"], x="relative")
    assert (found.x, found.unit, _only(found).columns["last"]) == ([5.0, 6.5, 7.0], "s", [1, 2, 3])
    assert _ask(context, runs=[run], keys=["late"], x="wall").x == [1_005_000, 1_006_500, 1_007_000]
    _store(context, job, "early", [0, 1], [500, 1500], [1.0, 2.0])  # a client that counts from elsewhere
    assert _ask(context, runs=[run], keys=["early"], x="relative").x == [0, 1]
    assert _ask(context, runs=[run], keys=["late"], x="relative", range=[6, 6.9]).x == [6.5]


def test_values_that_are_no_numbers_spoil_no_others(context: Context) -> None:
    run, job = _run(context)
    values = np.arange(3000.0)
    values[[5, 6, 1000]] = [np.nan, np.inf, -np.inf]
    _store(context, job, "k", np.arange(3000), np.arange(3000), values)
    for smooth in (
        {},
        {"kind": "ema", "amount": 0.5},
        {"kind": "mean", "amount": 3},
        {"kind": "gaussian", "amount": 2},
    ):
        found = _only(_ask(context, runs=[run], keys=["k"], smooth=smooth, buckets=500))
        assert (found.points, found.not_finite) == (3000, 3)
        for name in ("min", "max", "last"):
            assert all(value is not None and -1 < value < 3000 for value in found.columns[name])
    _store(context, job, "nan", [0, 1], [0, 1], [math.nan, math.inf])
    found = _only(_ask(context, runs=[run], keys=["nan"], smooth={"kind": "ema", "amount": 0.5}))
    assert found.columns["count"] == [1, 1]
    assert found.columns["last"] == [None, None]


@pytest.mark.parametrize("x", ["step", "relative", "wall"])
def test_points_at_the_ends_of_the_numbers(context: Context, x: str) -> None:
    run, job = _run(context)
    ends = [-(2**63), -1, 0, 1, 2**63 - 1]
    _store(context, job, "k", ends, ends, [1e308, -1e308, 5e-324, -0.0, 1e308])
    for buckets in (2, 3, 800):
        for smooth in ({}, {"kind": "ema", "amount": 0.9}, {"kind": "mean", "amount": 2}):
            found = _only(_ask(context, runs=[run], keys=["k"], x=x, buckets=buckets, smooth=smooth))
            assert sum(found.columns["count"]) == 5
    assert _ask(context, runs=[run], keys=["k"], x=x, range=[1e300, None]).x == []
    assert _only(_ask(context, runs=[run], keys=["k"], x=x, range=[-1e308, 1e308])).points == 5


def test_a_range_without_points_is_empty(context: Context) -> None:
    run, job = _run(context)
    _store(context, job, "k", [1, 2], [1, 2], [1.0, 2.0])
    found = _ask(context, runs=[run], keys=["k"], range=[5, None])
    assert (found.x, _only(found).points, found.ratio) == ([], 0, 1)


@pytest.mark.parametrize(
    "fields",
    [
        {"smooth": {"kind": "ema", "amount": 1.0}}, {"smooth": {"kind": "ema", "amount": -0.1}},
        {"smooth": {"kind": "mean", "amount": 2.5}}, {"smooth": {"kind": "mean", "amount": 0}},
        {"smooth": {"kind": "gaussian", "amount": 1e9}}, {"range": [2, 1]},
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(context: Context, fields: dict[str, Any]) -> None:
    run, _ = _run(context)
    with pytest.raises(InvalidRequest):
        service.query(context, QueryMetrics(runs=[run], keys=["k"], **fields))


@pytest.mark.parametrize(
    "fields",
    [
        {"runs": []}, {"keys": []}, {"runs": ["r"] * 1001}, {"keys": [""]}, {"keys": ["k" * 251]}, {"buckets": 1},
        {"buckets": 10**9}, {"range": [math.nan, 1]}, {"range": [math.inf, None]}, {"range": [1]}, {"x": "epoch"},
        {"smooth": {"kind": "ema", "amount": math.nan}}, {"smooth": {"kind": "median"}}, {"other": 1},
    ],
)  # fmt: skip
def test_wrong_fields_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        QueryMetrics(**{"runs": ["r"], "keys": ["k"], **fields})


def test_runs_of_others_do_not_exist(context: Context) -> None:
    run, _ = _run(context)
    for fields in ({"workspace": "other", "runs": [run]}, {"runs": [run, "nobody"]}):
        with pytest.raises(NotFound, match="no run"):
            service.query(context, QueryMetrics(keys=["k"], **fields))


def test_a_query_beyond_all_bounds_is_refused_before_it_reads(context: Context) -> None:
    """100 runs of 10^6 points: said at once. What is allowed stays within memory and time."""
    names = []
    for _ in range(100):
        run, job = _run(context)
        _store(context, job, "k", [0], [0], [0.0])
        with context.db.write() as connection:
            connection.execute(update(metric_latest).where(metric_latest.c.job_id == job).values(points=1_000_000))
        names.append(run)
    began = time.process_time()
    with pytest.raises(TooLarge, match="100,000,000 points"):
        service.query(context, QueryMetrics(runs=names, keys=["k"]))
    assert time.process_time() - began < 0.5
    with context.db.write() as connection:
        connection.execute(update(metric_latest).values(points=1))
    with pytest.raises(TooLarge, match="curves of 4000 buckets"):
        service.query(context, _wide(context, names))


def _wide(context: Context, names: list[str]) -> QueryMetrics:
    """300 curves of 4000 buckets."""
    for run in names:
        log_metrics(context, "default", run, [Point("k1", 0.0, 0, 0), Point("k2", 0.0, 0, 0)])
    return QueryMetrics(runs=names, keys=["k", "k1", "k2"], buckets=4000)


@pytest.mark.slow
def test_the_largest_query_stays_in_memory_and_time(context: Context) -> None:
    names = []
    for _ in range(10):
        run, job = _run(context)
        _store(
            context, job, "k", np.arange(1_000_000), np.arange(1_000_000), np.random.default_rng(1).normal(size=10**6)
        )
        names.append(run)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    found = service.query(context, QueryMetrics(runs=names, keys=["k"], smooth={"kind": "ema", "amount": 0.9}))  # type: ignore[arg-type]
    assert time.process_time() - began < 10
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < 300
    assert sum(curve.points for curve in found.curves) == 10**7


def test_keys_and_history(context: Context) -> None:
    run, _ = _run(context)
    log_metrics(context, "default", run, [Point("b", float(i), 10 * i, i % 3) for i in range(9)])
    log_metrics(context, "default", run, [Point("a/ü", math.nan, 5, 0), Point("a/ü", math.inf, 5, -1)])
    found = list_metrics(context, ListMetrics(name=run)).items
    assert [(item.key, item.step, item.points) for item in found] == [("a/ü", 0, 2), ("b", 2, 9)]
    assert '"value":"NaN"' in found[0].model_dump_json()
    page = history(context, ReadHistory(name=run, key="b", max_results=4))
    assert (page.steps, page.values, page.next_offset) == ([0, 0, 0, 1], [0, 3, 6, 1], 4)
    rest = history(context, ReadHistory(name=run, key="b", offset=4))
    assert (len(rest.steps), rest.next_offset) == (5, None)
    special = history(context, ReadHistory(name=run, key="a/ü"))
    assert special.model_dump_json().startswith('{"steps":[-1,0],"timestamps":[5,5],"values":["Infinity","NaN"]')
    with pytest.raises(NotFound, match="no metric"):
        history(context, ReadHistory(name=run, key="c"))
