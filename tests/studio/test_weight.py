"""What a page costs: bytes on the wire, counted; packing of answers; nothing asked for that nobody sees."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from studio_browser import Traffic, settle
from studio_place import Studio

from zaffre.api.packing import takes_gzip

FIRST_VISIT_BYTES = 250_000
API_BYTES = 60_000
SOON = """for (const name of ["setTimeout", "setInterval"]) {
  const plain = window[name];
  window[name] = (call, ms, ...rest) => (ms >= 10_000 ? 0 : plain(call, ms, ...rest));
}"""  # what a page fetches later is no part of a first visit, however slowly a busy machine shows it


def test_a_first_visit_to_jobs_is_light(chrome: Any, studio: Studio) -> None:
    context = chrome.new_context(viewport={"width": 1440, "height": 900})
    context.add_init_script(SOON)
    context.request.get(studio.place.link, max_redirects=0)
    page = context.new_page()
    traffic = Traffic(page)
    page.goto(f"{studio.place.url}/jobs")
    settle(page)
    page.locator(".u-over").nth(3).wait_for()
    assert traffic.total() < FIRST_VISIT_BYTES, traffic.told()
    assert traffic.total("/api/") < API_BYTES, traffic.told()
    assert len(traffic.of("metrics:columns")) == 4, "a chart asks once"
    for name in ("Palette", "Inspector", "Editor", "floating", "grammar", "dist-"):
        assert not [item for item in traffic.of(f"/assets/{name}") if item[0] > 5000], f"{name} is not needed yet"
    context.close()


@pytest.mark.parametrize(
    "path",
    ["", "jobs/{run}?tab=charts", "jobs/{pipeline}", "jobs/{train}?tab=lineage", "jobs/{train}?tab=environment", "submit",
     "compare?runs={run}~{hostile}", "data/patients?tab=profile", "models/progression", "components/count_rows"],
)  # fmt: skip
def test_a_first_visit_to_any_page_is_light(chrome: Any, studio: Studio, path: str) -> None:
    """The heaviest of each kind. Editors come when somebody goes near them."""
    context = chrome.new_context(viewport={"width": 1440, "height": 900})
    context.add_init_script(SOON)
    context.request.get(studio.place.link, max_redirects=0)
    page = context.new_page()
    traffic = Traffic(page)
    page.goto(f"{studio.place.url}/{path.format(**studio.made)}")
    settle(page)
    page.wait_for_load_state("networkidle")
    assert 100_000 < traffic.total() < FIRST_VISIT_BYTES, traffic.told()
    assert not traffic.of("/assets/Editor"), traffic.told()
    context.close()


def test_charts_out_of_view_ask_for_nothing(chrome: Any, studio: Studio) -> None:
    context = chrome.new_context(viewport={"width": 1200, "height": 300})
    context.request.get(studio.place.link, max_redirects=0)
    page = context.new_page()
    traffic = Traffic(page)
    page.goto(f"{studio.place.url}/jobs/{studio.made['run']}?tab=charts")
    settle(page)
    page.locator(".u-over").first.wait_for()
    seen = len(traffic.of("metrics:columns"))
    assert seen < 4
    page.locator(".panels").evaluate("(box) => box.scrollTo(0, box.scrollHeight)")
    page.locator(".u-over").nth(3).wait_for()
    assert len(traffic.of("metrics:columns")) == 4
    context.close()


def test_answers_are_packed_for_who_takes_that(studio: Studio) -> None:
    http, path = studio.place.http, "/api/workspaces/default/runs/search"

    def ask(accepted: str, most: int = 200) -> httpx.Response:
        with http.stream("POST", path, json={"max_results": most}, headers={"accept-encoding": accepted}) as answer:
            assert answer.status_code == 200
            answer.raw = b"".join(answer.iter_raw())  # type: ignore[attr-defined]
            return answer

    plain, packed = ask("identity"), ask("br, gzip")
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert len(packed.raw) * 2 < len(plain.raw)  # type: ignore[attr-defined]
    names = [{item["name"] for item in json.loads(text)["items"]}
             for text in (plain.raw, gzip.decompress(packed.raw))]  # type: ignore[attr-defined]  # fmt: skip
    assert names[0] == names[1]
    assert "content-encoding" not in http.get("/api/workspaces/default/runs/keys?prefix=nothing").headers, "too short"
    log = f"/api/workspaces/default/jobs/{studio.made['train']}/log"
    assert "content-encoding" not in http.get(log).headers, "streams stay as they are"


@pytest.mark.parametrize(
    ("accepted", "taken"),
    [("gzip", True), ("deflate, GZIP;q=0.5", True), ("gzip;q=0", False), ("gzip; q=0.000", False), ("br", False),
     ("", False), ("identity", False), ("x-gzip", True), ("gzip;q=0.01", True), ("notgzip", False)],
)  # fmt: skip
def test_who_takes_gzip(accepted: str, taken: bool) -> None:
    assert takes_gzip(accepted) is taken


Visit = Callable[..., Any]


def test_what_is_loaded_later_works(visit: Visit) -> None:
    """The palette and what is told at the edge are not part of the first page."""
    page = visit("jobs")
    settle(page)
    page.keyboard.press("y")
    page.get_by_role("button", name="Copy", exact=True).click()
    page.get_by_text("Copied").first.wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.get_by_placeholder("Go to a page").wait_for()
