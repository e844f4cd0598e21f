"""Pages over a lot: 100,000 runs, 1,500 metrics of a run, a million points, 501 steps, a log of 1 GB, 100,000 files.

What is counted are bytes, requests and elements of the page, never time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from scale_place import STEPS, Much, fill
from studio_browser import Traffic, settle
from studio_place import Place, until

pytestmark = pytest.mark.slow

KB, MB = 1000, 1_000_000
ELEMENTS = 6000  # of any page


@pytest.fixture(scope="module")
def much(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Much]:
    place = Place(tmp_path_factory.mktemp("much") / "home")
    try:
        yield fill(place)
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
