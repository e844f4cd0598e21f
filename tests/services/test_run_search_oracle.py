"""The search for runs against a few lines of Python, with random runs, filters, orders and pages, on both databases."""

from __future__ import annotations

import math
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from zaffre.core.job_state import Status
from zaffre.core.run_status import MEANING
from zaffre.core.search_filter import Clause, Op, Order, parse_filter, parse_order
from zaffre.core.search_grammar import JOBS
from zaffre.services.tracking.matches import _holds
from zaffre.store import (
    experiments,
    job_tags,
    metrics,
    params,
    resources,
    run_key_counts,
    run_keys,
    run_plan,
    run_search,
    runs,
)
from zaffre.store import jobs as job_store
from zaffre.store.db import Database
from zaffre.store.jobs import JobRecord
from zaffre.store.metrics import Point
from zaffre.store.run_conditions import Conditions
from zaffre.store.run_search import Choice

NOW = 1_800_000_000_000
TEXTS = ("tree", "Tree", "net", "0.5", "1e3", "", "it's", 'a"b', "%", "_", "100%", "é漢🙂", "x" * 300, "NaN")
NUMBERS = (-math.inf, -1.5, 0.0, 0.5, 1000.0, 1e300, math.inf, math.nan)
KEYS = ("a", "b/c d", "ünï")
STATUSES = (Status.RUNNING, Status.COMPLETED, Status.FAILED)


@dataclass
class Known:
    """A run as the oracle knows it."""

    number: int
    experiment: int
    status: Status
    started: int | None
    metrics: dict[str, float] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    reuses: int | None = None
    archived: bool = False


logged = st.fixed_dictionaries(
    {
        "experiment": st.integers(0, 2),
        "status": st.sampled_from(STATUSES),
        "started": st.none() | st.integers(0, 3),
        "metrics": st.dictionaries(st.sampled_from(KEYS), st.sampled_from(NUMBERS)),
        "params": st.dictionaries(st.sampled_from(KEYS), st.sampled_from(TEXTS)),
        "tags": st.dictionaries(st.sampled_from(KEYS), st.sampled_from(TEXTS)),
        "reuses": st.none() | st.integers(0, 20),
        "archived": st.booleans() | st.just(False),
    }
)
number = st.sampled_from(["-1.5", "0", "0.5", "1000", "1e301", "+2"])
text = st.sampled_from(TEXTS).map(lambda value: "'" + value.replace("'", "''") + "'")
compare = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
same = st.sampled_from(["=", "!=", "LIKE", "ILIKE"])
column = st.sampled_from(["`a`", '"b/c d"', "`ünï`"])
nulls = st.sampled_from(["IS NULL", "IS NOT NULL"])
many = st.lists(text, min_size=1, max_size=3).map(lambda items: f"({', '.join(items)})")
clause = st.one_of(
    st.tuples(column.map("metrics.{}".format), compare, number),
    st.tuples(column.map("params.{}".format), compare, number),
    st.tuples(st.tuples(st.sampled_from(["params", "tags"]), column).map(".".join), same, text),
    st.tuples(
        st.tuples(st.sampled_from(["params", "tags"]), column).map(".".join), st.sampled_from(["IN", "NOT IN"]), many
    ),
    st.tuples(st.tuples(st.sampled_from(["metrics", "params", "tags"]), column).map(".".join), nulls),
    st.tuples(st.just("status"), st.sampled_from(["=", "!="]), st.sampled_from(["'Running'", "'FINISHED'", "'x'"])),
    st.tuples(st.just("experiment"), same, st.sampled_from(["'exp0'", "'exp%'", "'none'"])),
    st.tuples(st.just("started"), compare, st.sampled_from(["1", "'1970-01-01T00:00:00.002Z'"])),
    st.tuples(st.just("ended"), nulls),
).map(" ".join)
order = st.tuples(
    st.one_of(
        st.tuples(st.sampled_from(["metrics", "params", "tags"]), column).map(".".join),
        st.sampled_from(["status", "started", "duration", "experiment"]),
    ),
    st.sampled_from(["", " asc", " DESC"]),
).map("".join)


def _value(run: Known, all_: list[Known], entity: str, key: str) -> Any:
    source = run if run.reuses is None else all_[run.reuses]
    if entity == "metric":
        return source.metrics.get(key)
    if entity == "param":
        return source.params.get(key)
    if entity == "tag":
        return run.tags.get(key)
    ended = None if run.status is Status.RUNNING else 10_000
    return {
        "status": run.status.value,
        "experiment_name": f"exp{run.experiment}",
        "started_at": run.started,
        "ended_at": ended,
        "duration_s": None if run.started is None else ((ended or NOW) - run.started) / 1000,
    }[key]


def _fulfils(run: Known, all_: list[Known], asked: Clause) -> bool:
    value = _value(run, all_, asked.entity, asked.key)
    if asked.op in (Op.IS_NULL, Op.IS_NOT_NULL):
        return (value is None) is (asked.op is Op.IS_NULL)
    if asked.entity == "param" and isinstance(asked.value, int | float):
        value = params.number_of(value) if value is not None else None
    if asked.key == "status" and asked.value in MEANING:
        return (value in MEANING[str(asked.value)]) is (asked.op is Op.EQ)
    if asked.entity == "metric" and value is not None and math.isnan(value):
        return False
    return _holds(value, asked)


def _sort_key(run: Known, all_: list[Known], orders: list[Order]) -> tuple[Any, ...]:
    keys: list[Any] = []
    for one in orders:
        value, sign = _value(run, all_, one.entity, one.key), 1 if one.ascending else -1
        if one.entity == "metric":
            rank = 2 if value is None else 1 if math.isnan(value) else 0
            keys += [rank, 0.0 if rank else sign * value]
        elif one.entity == "param":
            as_number = None if value is None else params.number_of(value)
            keys += [2 if value is None else 0 if as_number is not None else 1, sign * (as_number or 0.0)]
            keys.append(_Text(value or "", one.ascending))
        else:
            keys.append(value is None)
            keys.append(_Text(value or "", one.ascending) if isinstance(value, str | None) else sign * value)
    return (*keys, -(NOW if run.started is None else run.started), -run.number)


class _Text:
    """Text that may be sorted downwards; by code points, as both databases do it."""

    def __init__(self, text: str, ascending: bool) -> None:
        self.key, self.ascending = text.encode(), ascending

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Text) and self.key == other.key

    def __lt__(self, other: Any) -> bool:
        return bool(self.key < other.key if self.ascending else self.key > other.key)


def _write(db: Database, drawn: list[dict[str, Any]]) -> list[Known]:
    known: list[Known] = []
    with db.write() as connection:
        for table in ("run_keys", "metric_latest", "metric_chunks", "params", "tags", "job_events", "jobs"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
        ids = [experiments.ensure(db, connection, "default", f"exp{number}").id for number in range(3)]
        for item in drawn:
            _insert(db, connection, ids, known, item)
    return known


def _insert(db: Database, connection: Connection, ids: list[int], known: list[Known], item: dict[str, Any]) -> None:
    number = len(known) + 1
    run = Known(number, **item)
    if run.reuses is not None and (run.reuses >= len(known) or known[run.reuses].reuses is not None):
        run.reuses = None
    if run.reuses is not None:
        run.metrics, run.params = {}, {}
    known.append(run)
    ended = None if run.status is Status.RUNNING else 10_000
    job_store.insert(connection, [JobRecord(
        id=number, workspace="default", name=f"run{number}", type=runs.INTERACTIVE, status=run.status, root_id=number,
        experiment_id=ids[run.experiment], spec={}, created_at=NOW, changed_at=NOW, started_at=run.started, ended_at=ended,
        archived=run.archived, reused_from=None if run.reuses is None else run.reuses + 1)])  # fmt: skip
    params.add(db, connection, number, "", run.params)
    job_tags.set_tags(db, connection, number, run.tags)
    metrics.append(db, connection, [(number, [Point(key, value, 1, 1) for key, value in run.metrics.items()])])


@pytest.fixture
def filled(database: Database) -> Database:
    with database.write() as connection:
        resources.put_workspace(database, connection, "default", {})
    return database


common = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@common
@given(
    drawn=st.lists(logged, max_size=12),
    clauses=st.lists(clause, max_size=3),
    orders=st.lists(order, max_size=2),
    size=st.integers(1, 5),
    among=st.none() | st.lists(st.integers(0, 2), max_size=2),
    enough=st.sampled_from([0, 2, 10_000]),
)
def test_the_search_finds_what_a_loop_finds(
    filled: Database,
    drawn: list[dict[str, Any]],
    clauses: list[str],
    orders: list[str],
    size: int,
    among: list[int] | None,
    enough: int,
) -> None:
    known = _write(filled, drawn)
    asked = parse_filter(" and ".join(clauses), JOBS)
    sorts = list({(o.entity, o.key): o for o in (parse_order(text, JOBS) for text in orders)}.values())
    wanted = [
        run
        for run in known
        if not run.archived
        and (among is None or run.experiment in among)
        and all(_fulfils(run, known, one) for one in asked)
    ]
    wanted.sort(key=lambda run: _sort_key(run, known, sorts))
    build = Conditions(filled.is_sqlite, "default", MEANING, mlflow=False, now=NOW)
    with pytest.MonkeyPatch.context() as patch, filled.read() as connection:
        patch.setattr(run_plan, "ENOUGH", max(enough, 1))
        patch.setattr(run_search, "ENOUGH", enough)
        ids = [experiments.ensure(filled, connection, "default", f"exp{number}").id for number in range(3)]
        choice = Choice("default", None if among is None else [ids[number] for number in among], asked)
        found: list[int] = []
        after = None
        while page := run_search.search(connection, build, choice, sorts, limit=size, after=after):
            found += [record.id for record, _ in page]
            after = page[-1][1]
        counted = run_search.count(connection, build, choice)
    assert found == [run.number for run in wanted]
    assert counted == len(wanted)


@settings(common, max_examples=20)
@given(
    drawn=st.lists(logged, min_size=1, max_size=10),
    later=st.lists(logged, min_size=1, max_size=6),
    orders=st.lists(order, max_size=2),
    size=st.integers(1, 4),
    enough=st.sampled_from([0, 10_000]),
)
def test_runs_that_come_between_pages_hide_and_repeat_none(
    filled: Database,
    drawn: list[dict[str, Any]],
    later: list[dict[str, Any]],
    orders: list[str],
    size: int,
    enough: int,
) -> None:
    """Each run that was there all the time is shown once, in its order, whatever is added while somebody reads on."""
    known = _write(filled, drawn)
    sorts = list({(o.entity, o.key): o for o in (parse_order(text, JOBS) for text in orders)}.values())
    wanted = [run for run in known if not run.archived]
    wanted.sort(key=lambda run: _sort_key(run, known, sorts))
    build = Conditions(filled.is_sqlite, "default", MEANING, mlflow=False, now=NOW)
    found: list[int] = []
    after, waiting = None, list(later)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_plan, "ENOUGH", max(enough, 1))
        patch.setattr(run_search, "ENOUGH", enough)
        while True:
            with filled.read() as connection:
                page = run_search.search(connection, build, Choice("default"), sorts, limit=size, after=after)
            if not page:
                break
            found += [record.id for record, _ in page]
            after = page[-1][1]
            if waiting:
                with filled.write() as connection:
                    ids = [experiments.ensure(filled, connection, "default", f"exp{n}").id for n in range(3)]
                    _insert(filled, connection, ids, known, waiting.pop())
    assert len(set(found)) == len(found)
    assert [number for number in found if number <= len(drawn)] == [run.number for run in wanted]


@common
@given(
    drawn=st.lists(logged, max_size=10),
    steps=st.lists(
        st.tuples(
            st.sampled_from(["count", "metric", "again", "tag", "untag", "archive", "restore", "move"]),
            st.integers(0, 9),
            st.sampled_from(KEYS),
        ),
        max_size=12,
    ),
    few=st.sampled_from([0, 100_000]),
)
def test_keys_are_counted_exactly_whatever_happens(
    filled: Database, drawn: list[dict[str, Any]], steps: list[tuple[str, int, str]], few: int
) -> None:
    known = _write(filled, drawn)
    with filled.write() as connection:
        ids = [experiments.ensure(filled, connection, "default", f"exp{number}").id for number in range(3)]
    for verb, number, key in steps:
        with filled.write() as connection:
            if verb == "count":
                run_key_counts.count_quiet(filled, connection, NOW * 2, NOW * 2)
            if number >= len(known):
                continue
            run, name = known[number], f"run{number + 1}"
            if verb in ("metric", "again") and not run.archived and run.reuses is None:
                runs.writable(filled, connection, [("default", name, [key])])
                value = 7.0 if verb == "metric" else run.metrics.get(key, 7.0)
                metrics.append(filled, connection, [(number + 1, [Point(key, value, 2, 2)])])
                run.metrics[key] = value
            elif verb in ("tag", "untag"):
                job_tags.set_tags(filled, connection, number + 1, {key: "x" if verb == "tag" else None})
                run.tags.pop(key, None)
                run.tags |= {key: "x"} if verb == "tag" else {}
            elif verb in ("archive", "restore"):
                run.archived = verb == "archive"
                job_store.change(connection, number + 1, {"archived": run.archived})
            elif verb == "move":
                run.experiment = (run.experiment + 1) % 3
                job_store.change(connection, number + 1, {"experiment_id": ids[run.experiment]})
    with pytest.MonkeyPatch.context() as patch, filled.read() as connection:
        patch.setattr(run_keys, "FEW", few)
        for experiment in (None, 0, 1):
            found = run_keys.search(
                connection, filled.is_sqlite, "default", experiment_id=None if experiment is None else ids[experiment]
            )
            there = [run for run in known if not run.archived and experiment in (None, run.experiment)]
            wanted = []
            for key in KEYS:
                for kind in ("metrics", "params", "tags"):
                    values = [getattr(run, kind)[key] for run in there if key in getattr(run, kind)]
                    numbers = {"metrics": [v for v in values if kind == "metrics" and not math.isnan(v)],
                               "params": [n for v in values if kind == "params" and (n := params.number_of(v)) is not None],
                               "tags": []}[kind]  # fmt: skip
                    if values:
                        ends = (min(numbers), max(numbers)) if numbers else (None, None)
                        wanted.append(run_keys.RunKey(kind, key, len(values), *ends))  # type: ignore[arg-type]
            assert sorted(found, key=lambda item: (item.key.encode(), item.kind)) == sorted(
                wanted, key=lambda item: (item.key.encode(), item.kind)
            )


def test_counters_stay_exact_under_writers_at_once(filled: Database) -> None:
    """Writers, movers and archivers on the same runs while others count: nothing deadlocks, nothing is off by one."""
    chance = random.Random(3)
    few = 8
    blank = {"experiment": 0, "status": Status.COMPLETED, "started": 1, "metrics": {}, "params": {}, "tags": {},
             "reuses": None, "archived": False}  # fmt: skip
    _write(filled, [blank] * few)
    with filled.write() as connection:
        ids = [experiments.ensure(filled, connection, "default", f"exp{number}").id for number in range(3)]
    done = threading.Event()

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for step in range(30):
            some = sorted(chance.sample(range(1, few + 1), 2))
            verb, key = chance.choice(["metric", "param", "tag", "untag", "archive", "move"]), f"k{chance.randrange(6)}"
            with filled.write() as connection:
                if verb == "metric":
                    runs.writable(filled, connection, [("default", f"run{number}", [key]) for number in some])
                    metrics.append(filled, connection, [(number, [Point(key, 1.0, 1, step)]) for number in some])
                elif verb == "param":
                    params.add(filled, connection, some[0], "", {key: "1"})
                elif verb in ("tag", "untag"):
                    job_tags.set_tags(filled, connection, some[0], {key: "x" if verb == "tag" else None})
                elif verb == "archive":
                    job_store.change(connection, some[0], {"archived": chance.random() < 0.5})
                else:
                    job_store.change(connection, some[0], {"experiment_id": ids[chance.randrange(3)]})

    def count() -> None:
        while not done.is_set():
            with filled.write() as connection:
                run_key_counts.count_quiet(filled, connection, NOW * 2, NOW * 2)
            time.sleep(0.001)

    with ThreadPoolExecutor(8) as pool:
        counting = [pool.submit(count) for _ in range(2)]
        writing = [pool.submit(work, chance.randrange(10**6)) for _ in range(6)]
        try:
            for one in writing:
                one.result(timeout=60)
        finally:
            done.set()
        for one in counting:
            one.result(timeout=10)

    def told(experiment: int | None) -> dict[tuple[str, str], int]:
        with filled.read() as connection:
            found = run_keys.search(connection, filled.is_sqlite, "default", experiment_id=experiment)
        return {(item.kind, item.key): item.runs for item in found}

    def true(experiment: int | None) -> dict[tuple[str, str], int]:
        where = "NOT j.archived" + ("" if experiment is None else f" AND j.experiment_id = {experiment}")
        tables = (("metrics", "metric_latest"), ("params", "params"), ("tags", "tags"))
        with filled.read() as connection:
            return {
                (kind, key): number
                for kind, table in tables
                for key, number in connection.exec_driver_sql(
                    f"SELECT t.key, count(*) FROM {table} t JOIN jobs j ON j.id = t.job_id WHERE {where} GROUP BY t.key"
                )
            }

    for experiment in (None, *ids):
        assert told(experiment) == true(experiment)
    with filled.write() as connection:
        run_key_counts.count_quiet(filled, connection, NOW * 2, NOW * 2)
        left = connection.exec_driver_sql("SELECT count(*) FROM jobs WHERE NOT keys_counted AND NOT archived").scalar()
    assert left == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_keys, "FEW", 0)
        for experiment in (None, *ids):
            assert told(experiment) == true(experiment)
