"""Small changes of an event loop: written in it when nobody is waited for, by a thread else, and never lost."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from zaffre.base.home import Home
from zaffre.services.context import Changes, Context, Settings
from zaffre.services.tracking.create_run import create_run
from zaffre.services.tracking.log_batch import begin_metrics, log_metrics
from zaffre.store import at_once, metrics, resources, run_key_counts, run_keys, schema
from zaffre.store.db import Database
from zaffre.store.metrics import Point

FAR = 2**62


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    database = Database.at(tmp_path)
    schema.metadata().create_all(database.engine)
    with database.write() as connection:
        resources.put_workspace(database, connection, "default", {})
    yield Context(db=database, home=Home(tmp_path), content=None, environments=None, remote=None, vault=None,  # type: ignore[arg-type]
                  settings=Settings(), changes=Changes())  # fmt: skip
    database.close()


class Loop:
    """One round of an event loop: what comes in it is looked at together at its end."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.round: list[Callable[[], None]] = []
        self.threads: list[Callable[[], None]] = []
        self.told: list[Exception | None] = []

    def log(self, run: str, *points: Point) -> None:
        begin_metrics(self.context, "default", run, points, self.told.append, self.round.append, self.threads.append)

    def turn(self) -> None:
        round_, self.round = self.round, []
        for call in round_:
            call()


def _run(context: Context) -> tuple[str, int]:
    record = create_run(
        context, "default", experiment_id="0", run_name=None, user=None, start_time=None, tags={}
    ).record
    return record.name, record.id


def _steps(context: Context, job: int) -> list[int]:
    with context.db.read() as connection:
        return sorted(step for _, step, _ in metrics.history(connection, job, "m"))


def _points(steps: Sequence[int]) -> list[Point]:
    return [Point("m", 1.0, 1, step) for step in steps]


def test_what_comes_in_one_round_is_one_commit_without_a_thread(context: Context) -> None:
    (first, one), (second, two), loop = _run(context), _run(context), Loop(context)
    for step in range(5):
        loop.log(first, *_points([step]))
        loop.log(second, *_points([step, step + 100]))
    loop.log("nobody", *_points([1]))
    assert loop.told == []
    loop.turn()
    assert loop.threads == []
    assert [error is None for error in loop.told] == [True] * 10 + [False]
    assert "nobody" in str(loop.told[-1])
    assert _steps(context, one) == [0, 1, 2, 3, 4]
    assert _steps(context, two) == [0, 1, 2, 3, 4, 100, 101, 102, 103, 104]


@pytest.mark.parametrize("busy", ["a thread", "a program", "much"])
def test_rel_10_nobody_is_waited_for_in_the_loop_and_nothing_is_lost(context: Context, busy: str) -> None:
    (run, job), loop = _run(context), Loop(context)
    held, free = threading.Event(), threading.Event()

    def hold() -> None:
        with context.db.write():
            held.set()
            free.wait(60)

    other = sqlite3.connect(context.home.root / "zaffre.db", isolation_level=None)
    thread = threading.Thread(target=hold)
    if busy == "a thread":
        thread.start()
        assert held.wait(60)
    elif busy == "a program":
        loop.log(run, *_points([0]))
        loop.turn()  # its connection is there
        other.execute("BEGIN IMMEDIATE")
    loop.log(run, *_points(range(1, 1001 if busy == "much" else 2)))
    told = len(loop.told)
    loop.turn()
    assert (len(loop.threads), len(loop.told)) == (1, told)
    free.set()
    other.close()
    if thread.ident:
        thread.join(60)
    loop.threads.pop()()
    assert set(loop.told) == {None}
    assert _steps(context, job)[-1] == (1000 if busy == "much" else 1)
    loop.log(run, *_points([2000]))
    loop.turn()
    assert (loop.threads, _steps(context, job)[-1]) == ([], 2000)


def test_now_and_then_the_common_way_is_taken_which_makes_the_checkpoint(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(at_once, "IN_A_ROW", 3)
    (run, job), loop, ways = _run(context), Loop(context), []
    for step in range(8):
        loop.log(run, *_points([step]))
        loop.turn()
        ways.append(len(loop.threads))
        while loop.threads:
            loop.threads.pop()()
    assert ways == [0, 0, 0, 1, 1, 0, 0, 0]
    assert (loop.told, _steps(context, job)) == ([None] * 8, list(range(8)))


def _counted(context: Context) -> list[tuple[str, int]]:
    with context.db.read() as connection:
        return [(item.key, item.runs) for item in run_keys.search(connection, True, "default", kind="metrics")]


def test_a_new_key_of_a_run_that_is_counted_takes_the_common_way_and_counts(context: Context) -> None:
    (run, job), loop = _run(context), Loop(context)
    log_metrics(context, "default", run, _points([0]))
    with context.db.write() as connection:
        assert run_key_counts.count_quiet(context.db, connection, FAR, FAR) == 1
    loop.log(run, *_points([1]))
    loop.turn()
    assert (loop.told, loop.threads) == ([None], [])
    loop.log(run, Point("new", 1.0, 1, 1), *_points([2]))
    loop.turn()
    assert loop.told == [None]
    loop.threads.pop()()
    loop.log(run, Point("new", 1.0, 1, 2))
    loop.turn()
    assert (loop.told, loop.threads) == ([None] * 3, [])
    assert (_steps(context, job), _counted(context)) == ([0, 1, 2], [("m", 1), ("new", 1)])
    with context.db.write() as connection:
        assert run_key_counts.count_quiet(context.db, connection, FAR, FAR) == 0  # it still is


def test_what_breaks_the_commit_of_all_is_found_by_a_thread(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    (run, job), loop = _run(context), Loop(context)
    pack = metrics.pack
    monkeypatch.setattr(metrics, "pack", lambda points: 1 / 0 if points[0][0] == 13 else pack(points))
    for step in (12, 13, 14):
        loop.log(run, Point("m" if step != 13 else "bad", 1.0, 1, step))
    loop.turn()
    assert loop.told == []
    loop.threads.pop()()
    assert [type(error) for error in loop.told] == [type(None), ZeroDivisionError, type(None)]
    assert _steps(context, job) == [12, 14]
