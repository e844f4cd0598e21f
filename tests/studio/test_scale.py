"""Pages over a lot: 100,000 runs, 1,500 metrics of a run, a million points, 501 steps, a log of 1 GB, 100,000 files.

What is counted are bytes, requests and elements of the page, never time.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from studio_browser import Traffic, settle
from studio_place import Place, curve, until

from zaffre.base.home import Home
from zaffre.store.metric_form import fold
from zaffre.store.metrics import CHUNK_POINTS

pytestmark = pytest.mark.slow

RUNS, KEYS, POINTS, STEPS, LOG_BYTES, FILES = 100_000, 1_500, 1_000_000, 501, 1 << 30, 100_000
SPIKE = 777_777
KB, MB = 1000, 1_000_000
ELEMENTS = 6000  # of any page


@dataclass
class Much:
    place: Place
    wide: str
    long: str
    pipeline: str
    printer: str


@pytest.fixture(scope="module")
def much(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Much]:
    place = Place(tmp_path_factory.mktemp("much") / "home")
    try:
        yield _fill(place)
    finally:
        place.stop()


@pytest.fixture
def page(chrome: Any, much: Much) -> Iterator[Any]:
    context = chrome.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    context.request.get(much.place.link, max_redirects=0)
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.traffic = Traffic(page)
    yield page
    context.close()


def _fill(place: Place) -> Much:
    home = Home(place.home)
    base = place.run("many", "one of many", {"lr": 0.1, "depth": 6}, curve(0.01, 6, 50, 1))
    wide = place.run("wide", "wide", {}, {f"layer{at // 10}/gain_{at}": [at / 7, at / 8] for at in range(KEYS)})
    long = place.run("long", "long", {}, {"loss": [0.0]})
    place.api("POST", "/computes", {"spec": {"name": "one", "type": "amlcompute", "size": "local", "max_instances": 1}})
    place.reaches(place.command("sleep 3000", compute="one"), "Running")
    steps = {f"step_{at}": {"type": "command", "command": "true", "environment": "azureml:python@latest"}
             for at in range(STEPS)}  # fmt: skip
    pipeline = place.submit({"type": "pipeline", "jobs": steps, "settings": {"default_compute": "azureml:one"}})
    printer = place.command("echo first line")
    place.ended(printer)
    with sqlite3.connect(home.database, timeout=60) as database:
        _multiply(database, base)
        _lengthen(database, long)
    _print_more(home.log("default", printer))
    folder = home.artifacts("default", printer) / "outputs"
    folder.mkdir(parents=True, exist_ok=True)
    for at in range(FILES):
        os.close(os.open(folder / f"image_{at:06}.png", os.O_CREAT | os.O_WRONLY))
    return Much(place, wide, long, pipeline, printer)


def _multiply(database: sqlite3.Connection, run: str) -> None:
    """The same run again and again, older each time, with metrics and parameters of its own."""
    (base,) = database.execute("SELECT id FROM jobs WHERE name = ?", [run]).fetchone()
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {RUNS})"
    for table, key, changed in (
        ("jobs", "id", {"name": "'many_' || i", "root_id": f"{base} - i", "display_name": "'run ' || i",
                        "created_at": "created_at - i * 1000", "keys_counted": "0"}),
        ("params", "job_id", {}),
        ("metric_latest", "job_id", {"value": "value + (i % 997) / 1000.0"}),
    ):  # fmt: skip
        columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
        values = [f"{base} - i" if name == key else changed.get(name, f't."{name}"') for name in columns]
        said = ", ".join(f'"{name}"' for name in columns)
        database.execute(
            f"INSERT INTO {table} ({said}) {numbers} SELECT {', '.join(values)} FROM {table} t, n WHERE t.{key} = {base}"
        )


def _lengthen(database: sqlite3.Connection, run: str) -> None:
    (job,) = database.execute("SELECT id FROM jobs WHERE name = ?", [run]).fetchone()
    points = np.zeros(POINTS, [("s", "<i8"), ("t", "<i8"), ("v", "<f8")])
    points["s"], points["t"] = np.arange(POINTS), np.arange(POINTS) + 10**12
    points["v"] = np.exp(-np.arange(POINTS) / 2e5)
    points["v"][SPIKE] = 42.0
    database.execute("DELETE FROM metric_chunks WHERE job_id = ?", [job])
    for start in range(0, POINTS, CHUNK_POINTS):
        part = points[start : start + CHUNK_POINTS]
        database.execute(
            "INSERT INTO metric_chunks (id, job_id, key, count, points) VALUES (?, ?, 'loss', ?, ?)",
            [job + 1 + start, job, len(part), fold(part.tobytes())],
        )
    database.execute("UPDATE metric_latest SET points = ?, step = ? WHERE job_id = ?", [POINTS, POINTS - 1, job])


def _print_more(log: Path) -> None:
    """A gigabyte, most of it a hole: what is read of it is read over the network, and counted."""
    with log.open("r+b") as file:
        file.truncate(LOG_BYTES - 40 * 30_000)
        file.seek(0, 2)
        file.writelines(f"{at:06} an ordinary line of a log....\n".encode()[-40:] for at in range(30_000))


def _light(page: Any, path: str, much: Much, most: int) -> None:
    page.goto(f"{much.place.url}/{path}")
    settle(page)
    page.wait_for_load_state("networkidle")
    traffic: Traffic = page.traffic
    assert traffic.total("/api/") < most, traffic.told()
    elements = page.evaluate("() => document.querySelectorAll('*').length")
    assert elements < ELEMENTS, f"{elements} elements"


def test_a_hundred_thousand_runs(page: Any, much: Much) -> None:
    _light(page, "jobs", much, 120 * KB)
    page.get_by_text(re.compile(r"100,0\d\d")).first.wait_for()
    before = page.traffic.total("/api/")
    page.get_by_role("grid").press("End")
    page.wait_for_timeout(500)
    assert page.traffic.total("/api/") - before < 60 * KB, "a page at a time"
    _light(page, "jobs?view=table&q=metrics.train_loss < 0.3", much, 250 * KB)


def test_a_run_with_many_metrics(page: Any, much: Much) -> None:
    _light(page, f"jobs/{much.wide}", much, 80 * KB)
    _light(page, f"jobs/{much.wide}?tab=charts", much, 200 * KB)
    page.get_by_label("Filter").first.fill("gain_1499")
    page.get_by_role("region", name="layer149/gain_1499").first.wait_for()


def test_a_metric_of_a_million_points(page: Any, much: Much) -> None:
    _light(page, f"jobs/{much.long}?tab=charts", much, 40 * KB)
    page.get_by_text(re.compile(r"bucketed \d+:1")).first.wait_for()
    shown = much.place.api("POST", "/metrics:query", {"runs": [much.long], "keys": ["loss"], "buckets": 150})
    assert max(shown["curves"][0]["columns"]["max"]) == 42.0, "the spike shows at full zoom-out"


def test_a_pipeline_of_many_steps(page: Any, much: Much) -> None:
    _light(page, f"jobs/{much.pipeline}", much, 120 * KB)
    page.get_by_text(f"{STEPS} steps").first.wait_for()
    page.get_by_label("Filter steps").fill("step_50")
    page.locator(".react-flow__node").first.wait_for()
    page.get_by_role("region", name="Steps").get_by_text("step_500").first.wait_for()


def test_a_log_of_a_gigabyte(page: Any, much: Much) -> None:
    _light(page, f"jobs/{much.printer}?tab=logs", much, 8 * MB)
    page.get_by_text("029999 an ordinary line").first.wait_for()
    page.get_by_text(re.compile(r"of 1(\.\d+)? G")).first.wait_for()


def test_a_folder_of_many_files(page: Any, much: Much) -> None:
    _light(page, f"jobs/{much.printer}?tab=outputs", much, 60 * KB)
    page.get_by_text("image_000499.png").first.wait_for()
    page.get_by_role("button", name="Later files").click()
    page.get_by_text("501 to 1,000 of 100,000").first.wait_for()
    page.get_by_text("image_000999.png").first.wait_for()
    assert page.get_by_text("image_000499.png").count() == 0
    page.get_by_role("button", name="Earlier files").click()
    page.get_by_text("image_000000.png").first.wait_for()
    assert until(lambda: page.traffic.total("/api/") < 120 * KB)
