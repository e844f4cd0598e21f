"""runs/search, count, keys and compare as the services answer them, on both databases."""

from __future__ import annotations

import base64
import json
import math
from pathlib import Path

import pytest

from zaffre.base.errors import Conflict, InvalidRequest, NotFound
from zaffre.base.home import Home
from zaffre.services.context import Changes, Context, Settings
from zaffre.services.runs.compare import compare
from zaffre.services.runs.keys import keys
from zaffre.services.runs.search import count, search
from zaffre.services.tracking.create_run import create_run
from zaffre.services.tracking.log_batch import log_batch
from zaffre.services.tracking.update_run import delete_run
from zaffre.services.views import manage
from zaffre.store import resources
from zaffre.store.db import Database
from zaffre.store.metrics import Point
from zaffre.wire.runs import CompareRuns, CountRuns, ListKeys, RunRow, SearchRuns
from zaffre.wire.views import CreateView, DeleteView, ListViews, UpdateView, ViewRef


@pytest.fixture
def context(database: Database, tmp_path: Path) -> Context:
    with database.write() as connection:
        for workspace in ("default", "other"):
            resources.put_workspace(database, connection, workspace, {})
    return Context(db=database, home=Home(tmp_path), content=None, environments=None, remote=None, vault=None,  # type: ignore[arg-type]
                   settings=Settings(), changes=Changes())  # fmt: skip


def make(context: Context, name: str, start: int, *, workspace: str = "default", loss: float | None = None,
         tags: dict[str, str] | None = None, **given: str) -> str:  # fmt: skip
    run = create_run(context, workspace, experiment_id="0", run_name=name, user=None, start_time=start, tags=tags or {})
    points = [] if loss is None else [Point("loss", loss, 1, 1)]
    if points or given:
        log_batch(context, workspace, run.record.name, points=points, given=given)
    return run.record.name


@pytest.fixture
def six(context: Context) -> Context:
    make(context, "a", 1000, loss=0.5, lr="0.1", model="tree")
    make(context, "b", 2000, loss=0.25, lr="1e-2", model="net", tags={"team": "x"})
    make(context, "c", 3000, loss=math.nan, lr="auto")
    make(context, "d", 4000, loss=-math.inf, lr="10", model="Tree")
    make(context, "e", 5000)
    make(context, "f", 1_700_000_000_000, loss=7.0, workspace="other")
    return context


def shown(context: Context, filter_: str = "", *orders: str, **more: object) -> str:
    asked = SearchRuns.model_validate({"filter": filter_, "order_by": list(orders), **more})
    return "".join(str(row.display_name) for row in search(context, asked).items)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "edcba"),
        ("metrics.loss < 0.3 and params.model = 'net'", "b"),
        ("params.lr > 0.05", "da"),
        ("params.lr = 0.010", "b"),
        ("params.lr = '1e-2'", "b"),
        ("params.lr != 10", "ba"),
        ("params.model IN ('tree', 'net')", "ba"),
        ("params.model NOT IN ('tree', 'net')", "d"),
        ("params.model IS NULL", "ec"),
        ("metrics.loss is not null", "dcba"),
        ("metrics.loss is null", "e"),
        ("params.model ilike 'TR%'", "da"),
        ("tags.team = 'x'", "b"),
        ("started > '1970-01-01T00:00:02.5Z'", "edc"),
        ("started <= '1970-01-01T01:00:02+01:00'", "ba"),
        ("created > '2026-01-01'", "edcba"),
        ("created > '2999-01-01'", ""),
        ("status = 'RUNNING'", "edcba"),
        ("status = 'Running' and type = 'interactive'", "edcba"),
        ("status != 'RUNNING'", ""),
        ("experiment = 'Default'", "edcba"),
        ("experiment LIKE 'x%'", ""),
        ("parent is null", "edcba"),
        ("duration > 100000", "edcba"),
        ("ended is null", "edcba"),
        ("display_name in ('a', 'e')", "ea"),
        ("creator = 'nobody'", ""),
    ],
)
def test_the_filter_language_of_people(six: Context, text: str, expected: str) -> None:
    assert shown(six, text) == expected
    assert count(six, CountRuns(filter=text)).count == len(expected)


@pytest.mark.parametrize(
    ("orders", "expected"),
    [
        (["metrics.loss"], "dbace"),
        (["metrics.loss desc"], "abdce"),
        (["params.lr"], "badce"),
        (["params.lr desc"], "dabce"),
        (["params.model", "created desc"], "dbaec"),
        (["duration"], "edcba"),
        (["experiment", "name"], None),
        (["metrics.loss", "metrics.other", "params.lr", "tags.team"], "dbace"),
    ],
)
def test_orders_and_their_pages(six: Context, orders: list[str], expected: str | None) -> None:
    whole = shown(six, "", *orders)
    assert expected is None or whole == expected
    for size in (1, 2, 3):
        pieces, cursor = "", None
        while True:
            asked = SearchRuns(order_by=orders, max_results=size, cursor=cursor)
            page = search(six, asked)
            pieces += "".join(str(row.display_name) for row in page.items)
            if (cursor := page.cursor) is None:
                break
        assert pieces == whole


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("metrics.loss <", 15),
        ("nothing = 'x'", 1),
        ("params.lr > '5'", 13),
        ("created > 'yesterday'", 11),
        ("status = 5", 10),
        ("a.b = 'x'", 1),
        ("metrics.loss < 1 or x = 1", 18),
    ],
)
def test_a_wrong_filter_tells_the_place(context: Context, text: str, place: int) -> None:
    with pytest.raises(InvalidRequest) as refused:
        search(context, SearchRuns(filter=text))
    assert refused.value.code == "InvalidFilter"
    assert refused.value.body()["column"] == place
    assert refused.value.body()["field"] == "filter"


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "!!",
        "é",
        base64.b64encode(b"[]").decode(),
        base64.b64encode(b"[" * 3000).decode(),
        base64.b64encode(json.dumps(["x", 0, [1, 2]]).encode()).decode(),
    ],
)
def test_a_malformed_cursor_is_refused(six: Context, cursor: str) -> None:
    with pytest.raises(InvalidRequest, match="cursor") as refused:
        search(six, SearchRuns(cursor=cursor))
    assert refused.value.code == "BadCursor"


def test_a_cursor_with_other_values_in_it_is_refused_or_harmless(six: Context) -> None:
    page = search(six, SearchRuns(order_by=["params.model"], max_results=2))
    digest, now, key = json.loads(base64.urlsafe_b64decode(str(page.cursor)))
    for wrong in (["x"] * len(key), [2**70] * len(key), [True] * len(key), [[]] * len(key), key[:-1], {}):
        text = base64.urlsafe_b64encode(json.dumps([digest, now, wrong]).encode()).decode()
        with pytest.raises(InvalidRequest, match="cursor"):
            search(six, SearchRuns(order_by=["params.model"], cursor=text))
    for harmless in ([None] * len(key), [math.nan if isinstance(v, float | int) else v for v in key]):
        text = base64.urlsafe_b64encode(json.dumps([digest, now, harmless]).encode()).decode()
        search(six, SearchRuns(order_by=["params.model"], cursor=text))
    with pytest.raises(InvalidRequest, match="cursor"):
        search(six, SearchRuns(cursor=page.cursor))


def test_rows_hold_what_was_asked_for(six: Context) -> None:
    asked = SearchRuns(filter="display_name = 'c'", fields=["status", "metrics.loss", "params.*", "tags.none"])
    (row,) = search(six, asked).items
    text = json.loads(row.model_dump_json(exclude_none=True))
    assert text == {"name": row.name, "status": "Running", "metrics": {"loss": "NaN"}, "params": {"lr": "auto"}}
    again = RunRow.model_validate(text).metrics
    assert again is not None
    assert math.isnan(again["loss"])
    with pytest.raises(InvalidRequest, match="no run has a field 'foo'"):
        search(six, SearchRuns(fields=["foo"]))


def test_two_hundred_rows_are_small(context: Context) -> None:
    for number in range(200):
        make(context, f"a run with quite a long name {number}", number + 1, loss=number / 7, lr=str(number / 3))
    plain = search(context, SearchRuns(max_results=200))
    with_columns = search(
        context, SearchRuns(max_results=200, fields=["display_name", "status", "duration_s", "metrics.*", "params.*"])
    )
    for page in (plain, with_columns):
        assert len(page.items) == 200
        assert len(page.model_dump_json(exclude_none=True)) < 100_000


def test_keys_with_counts_and_ranges(six: Context) -> None:
    found = {(key.kind, key.key): key for key in keys(six, ListKeys()).items}
    assert list(found) == sorted(found, key=lambda pair: (pair[1], pair[0]))
    assert (found["metrics", "loss"].runs, found["metrics", "loss"].min, found["metrics", "loss"].max) == (
        4, -math.inf, 0.5)  # fmt: skip
    assert (found["params", "lr"].runs, found["params", "lr"].min, found["params", "lr"].max) == (4, 0.01, 10.0)
    assert found["params", "model"].min is None
    assert [key.key for key in keys(six, ListKeys(prefix="m")).items] == ["mlflow.runName", "model"]
    assert [key.key for key in keys(six, ListKeys(prefix="%")).items] == []
    assert [key.key for key in keys(six, ListKeys(kind="params", experiment_name="Default")).items] == ["lr", "model"]
    with pytest.raises(NotFound):
        keys(six, ListKeys(experiment_name="none"))
    (row,) = search(six, SearchRuns(filter="display_name = 'a'")).items
    delete_run(six, "default", row.name)
    found = {(key.kind, key.key): key for key in keys(six, ListKeys()).items}
    assert (found["metrics", "loss"].runs, found["metrics", "loss"].max) == (3, 0.25)
    pieces, cursor = [], None
    while True:
        page = keys(six, ListKeys(max_results=1, cursor=cursor))
        pieces += [(key.kind, key.key) for key in page.items]
        if (cursor := page.cursor) is None:
            break
    assert pieces == list(found)


def test_compare(six: Context) -> None:
    names = [row.name for row in search(six, SearchRuns(order_by=["display_name"])).items]
    found = compare(six, CompareRuns(runs=names[:4], parts=["params", "metrics", "tags"]))
    (loss,) = found.metrics or ()
    assert loss.deltas == [0.0, -0.25, None, None]
    assert [(item.key, item.values) for item in found.params or ()] == [
        ("lr", ["0.1", "1e-2", "auto", "10"]), ("model", ["tree", "net", None, "Tree"])]  # fmt: skip
    assert [(item.key, item.values) for item in found.tags or ()] == [("team", [None, "x", None, None])]
    assert found.code is None
    same = compare(six, CompareRuns(runs=[names[0]], only_differences=True))
    assert (same.params, same.metrics, same.tags, same.code) == ([], [], [], [])
    with pytest.raises(InvalidRequest, match="baseline"):
        compare(six, CompareRuns(runs=names[:2], baseline=names[3]))
    with pytest.raises(NotFound):
        compare(six, CompareRuns(runs=["none"]))


def test_saved_views(context: Context) -> None:
    first = manage.create(context, CreateView(name="mine", page="jobs", query="?f=1", default=True))
    second = manage.create(context, CreateView(name="also", page="jobs", query="?f=2", default=True))
    shared = manage.create(context, CreateView(name="ours", page="jobs", query="?f=3", default=True, shared=True))
    listed = manage.list_views(context, ListViews(page="jobs")).items
    assert [(view.name, view.default) for view in listed] == [("also", True), ("mine", False), ("ours", True)]
    changed = manage.update(context, UpdateView(id=first.id, version=1, query="?f=4", default=True))
    assert (changed.query, changed.version, changed.default) == ("?f=4", 2, True)
    assert not manage.show(context, ViewRef(id=second.id)).default
    with pytest.raises(Conflict, match="it is version 2 now"):
        manage.update(context, UpdateView(id=first.id, version=1, query="?f=5"))
    with pytest.raises(Conflict):
        manage.delete(context, DeleteView(id=first.id, version=1))
    manage.delete(context, DeleteView(id=first.id, version=2))
    with pytest.raises(NotFound):
        manage.show(context, ViewRef(id=first.id))
    assert manage.list_views(context, ListViews(workspace="other")).items == []
    with pytest.raises(NotFound):
        manage.show(context, ViewRef(id=shared.id, workspace="other"))
