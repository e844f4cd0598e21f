"""The search for runs in SQL, on both databases."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from zaffre.base.errors import InvalidRequest
from zaffre.base.home import Home
from zaffre.core.search_filter import parse_filter
from zaffre.core.search_grammar import JOBS, RUNS
from zaffre.services.context import Changes, Context, Settings
from zaffre.services.tracking.create_run import create_run
from zaffre.services.tracking.log_batch import log_batch
from zaffre.services.tracking.log_inputs import log_inputs
from zaffre.services.tracking.search_runs import search_runs
from zaffre.services.tracking.set_tag import set_tag
from zaffre.services.tracking.update_run import update_run
from zaffre.store import resources, run_plan, run_search
from zaffre.store.datasets import DatasetUse
from zaffre.store.db import Database
from zaffre.store.metrics import Point


@pytest.fixture
def context(database: Database, tmp_path: Path) -> Context:
    with database.write() as connection:
        for workspace in ("default", "other"):
            resources.put_workspace(database, connection, workspace, {})
    context = Context(db=database, home=Home(tmp_path), content=None, environments=None, remote=None, vault=None,  # type: ignore[arg-type]
                      settings=Settings(), changes=Changes())  # fmt: skip
    values = {"a": 1.0, "b": 2.0, "c": math.nan, "d": -math.inf}
    for start, (name, value) in enumerate(values.items(), 1000):
        run = create_run(
            context, "default", experiment_id="0", run_name=name, user=None, start_time=start, tags={}
        ).record.name
        given = {"p": f"Value_{name}%", "it's": 'a"b'}
        log_batch(context, "default", run, points=[Point("m", value, 1, 1), Point("m x", value, 1, 1)], given=given,
                  tags={"t.x": name} if name in "ab" else {})  # fmt: skip
        if name == "a":
            uses = [DatasetUse("iris", "d1", "local", "{}", tags={"mlflow.data.context": "training"})]
            log_inputs(context, "default", run, uses, [])
            update_run(context, "default", run, status="KILLED", end_time=5000, run_name=None)
    create_run(context, "default", experiment_id="0", run_name="e", user="someone", start_time=2000, tags={})
    create_run(context, "other", experiment_id="0", run_name="foreign", user=None, start_time=1, tags={})
    return context


def _names(context: Context, text: str = "", *orders: str) -> str:
    found, _ = search_runs(context, "default", ["0"], filter_text=text, orders=orders)
    return "".join(run.name for run in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "edcba"),
        ("metrics.m > 1", "b"),
        (f"metrics.m < {'9' * 5000}", "dba"),
        ("metrics.m>=1.0", "ba"),
        ("metric.m != 1", "db"),
        ("metrics.m < -1e300", "d"),
        ('metrics."m x" = 2', "b"),
        ("metrics.`m x` = 2", "b"),
        ("metrics.nothing > 0", ""),
        ("params.p = 'Value_a%'", "a"),
        ("params.p != 'Value_a%'", "dcb"),
        ("params.p LIKE 'Value%'", "dcba"),
        ("params.p LIKE 'value%'", ""),
        ("params.p ILIKE 'value%'", "dcba"),
        ("params.p like 'Value_a_'", "a"),
        ("params.p LIKE 'Value*'", ""),
        ("params.p LIKE 'V[a]lue%'", ""),
        ("params.p LIKE 'Value\\_a%'", ""),
        ("params.\"it's\" = 'a\"b'", "dcba"),
        ("params.p = 'it''s'", ""),
        ("params.p = \"x' OR '1'='1\"", ""),
        ("tags.t.x = 'a'", "a"),
        ("tags.`t.x` IS NULL", "edc"),
        ("tags.`t.x` IS NOT NULL", "ba"),
        ("tags.mlflow.runName = 'a'", "a"),
        ("attributes.run_name IN ('a', 'c')", "ca"),
        ("run_name NOT IN ('a', 'c')", "edb"),
        ("attributes.`Run name` LIKE 'e%'", "e"),
        ("user_id = 'someone'", "e"),
        ("status = 'KILLED'", "a"),
        ("attributes.status != 'KILLED'", "edcb"),
        ("start_time > 1001", "edc"),
        ("end_time = 5000", "a"),
        ("created <= 1000", "a"),
        ("dataset.name = 'iris'", "a"),
        ("datasets.context = 'training' and dataset.digest = 'd1'", "a"),
        ("dataset.name = 'none'", ""),
        ("artifact_uri LIKE 'mlflow-artifacts:/%'", "edcba"),
        ("metrics.m > 0 AND params.p LIKE '%b%' and tags.`t.x` = 'b'", "b"),
        ("start_time < 99999999999999999999", "edcba"),
    ],
)
def test_filters(context: Context, text: str, expected: str) -> None:
    assert _names(context, text) == expected


@pytest.mark.parametrize(
    ("orders", "expected"),
    [
        (["metrics.m"], "dabce"),
        (["metrics.m DESC"], "badce"),
        (["params.p desc"], "dcbae"),
        (["tags.`t.x` ASC"], "abedc"),
        (["start_time ASC"], "abcde"),
        (["attributes.end_time", "start_time asc"], "abcde"),
        (["run_name DESC"], "edcba"),
    ],
)
def test_orders(context: Context, orders: list[str], expected: str) -> None:
    assert _names(context, "", *orders) == expected


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("metrics.m", 10),
        ("metrics.m >", 12),
        ("metrics.m > 'x'", 13),
        ("params.p = 5", 12),
        ("params.p > '5'", 10),
        ("nothing = 'x'", 1),
        ("foo.bar = 'x'", 1),
        ("metrics.m > 1 metrics.m > 2", 15),
        ("metrics.m > 1 OR metrics.m > 2", 15),
        ("params.p IN ('a')", 10),
        ("run_id IN ('a'", 15),
        ("run_id IN 'a'", 11),
        ("params.p = 'a", 12),
        ("(metrics.m > 1)", 1),
        ("metrics.m > 1 AND", 18),
        ("metrics.m > 1;", 14),
        ("dataset.size = 'x'", 1),
    ],
)
def test_a_wrong_filter_says_where(text: str, place: int) -> None:
    with pytest.raises(InvalidRequest, match=rf"at character {place}:"):
        parse_filter(text, RUNS)


def test_pages_together_are_the_whole(context: Context) -> None:
    names, token = "", None
    for _ in range(3):
        found, token = search_runs(context, "default", ["0"], max_results=2, page_token=token)
        names += "".join(run.name for run in found)
    assert (names, token) == ("edcba", None)


def test_runs_below_another_are_found_by_their_parent(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the parent is asked for, those below it are looked up, not every run walked over."""
    parent = create_run(context, "default", experiment_id="0", run_name="up", user=None, start_time=1, tags={})
    above = parent.record.name
    for number in range(3):
        create_run(context, "default", experiment_id="0", run_name=f"{number}", user=None, start_time=3000 + number,
                   tags={"mlflow.parentRunId": above})  # fmt: skip
    create_run(context, "default", experiment_id="0", run_name="7", user=None, start_time=4000,
               tags={"mlflow.parentRunId": "nowhere"})  # fmt: skip
    moved = create_run(context, "default", experiment_id="0", run_name="8", user=None, start_time=5000,
                       tags={"mlflow.parentRunId": above})  # fmt: skip
    set_tag(context, "default", moved.record.name, "mlflow.parentRunId", "elsewhere")
    below = f"tags.mlflow.parentRunId = '{above}'"
    assert _names(context, below) == "8210", "the row of a job comes before what a client says later"
    assert _names(context, f"{below} and metrics.m > 0") == ""
    assert _names(context, "tags.mlflow.parentRunId = 'nowhere'") == "7"
    assert _names(context, "tags.mlflow.parentRunId = 'elsewhere'") == ""
    assert _names(context, f"tags.mlflow.parentRunId != '{above}'") == "7"
    clauses = parse_filter(below, RUNS)
    with context.db.read() as connection:
        found = run_plan.narrowest(connection, context.db.is_sqlite, "default", clauses, [])
        assert [narrow.count for narrow in found] == [4]
        (clause,) = parse_filter(f"parent_job_name IN ('{above}', 'nowhere')", JOBS)
        found = run_plan.narrowest(connection, context.db.is_sqlite, "default", [clause], [])
        assert [narrow.count for narrow in found] == [4]
        assert run_plan.narrowest(connection, context.db.is_sqlite, "other", [clause], [])[0].count == 0
    monkeypatch.setattr(run_search, "ENOUGH", 0)
    assert _names(context, below) == "8210", "the same when they are walked over"
