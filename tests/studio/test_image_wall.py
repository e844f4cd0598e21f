"""Pictures that runs logged, side by side at one step, and words among the charts."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote

import pytest
from studio_place import HOSTILE, Place, Studio

Open = Callable[..., Any]
WIDTHS = "() => [...document.querySelectorAll('.shot img')].map(image => image.naturalWidth).join()"


def picture(width: int) -> bytes:
    """A gray PNG of this width: a test can tell it from others."""

    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"\x99" * width for _ in range(12))
    head = struct.pack(">IIBBBBB", width, 12, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b"")


def log(place: Place, run: str, path: str, data: bytes) -> None:
    """As MLflow's client uploads an artifact."""
    address = f"/mlflow/default/api/2.0/mlflow-artifacts/artifacts/ExperimentRun/dcid.{run}/{quote(path)}"
    place.http.put(address, content=data).raise_for_status()


@pytest.fixture(scope="module")
def walls(studio: Studio) -> list[str]:
    """Two runs that logged masks by step; the second is one step behind and logged a file that is none."""
    place = studio.place
    runs = [place.run("walls", f"wall {number}", {}, {"loss": [1.0, 0.5]}) for number in (1, 2)]
    for number, run in enumerate(runs):
        for step in range(3 - number):
            name = f"images/mask%step%{step}%timestamp%{step}%abc.png"
            log(place, run, name, picture(100 * (number + 1) + step))
        log(place, run, "plots/roc.png", picture(50) if number == 0 else b"no picture at all")
        log(place, run, f"plots/{HOSTILE.replace('/', '')}.png", picture(20))
    return runs


def test_pictures_of_runs_stand_side_by_side_at_one_step(visit: Open, walls: list[str]) -> None:
    page = visit(f"jobs?view=charts&charts=images|mask&eyes={'~'.join(walls)}&q=experiment_name='walls'")
    wall = page.get_by_role("region", name="Pictures of mask")
    wall.wait_for()
    page.wait_for_function(f"() => ({WIDTHS})() === '102,201'")  # the last step; the second run has none of it
    wall.get_by_text("step 1", exact=True).first.wait_for()
    slider = wall.get_by_role("slider", name="Step")
    slider.focus()
    page.keyboard.press("Home")
    page.wait_for_function(f"() => ({WIDTHS})() === '100,200'")
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"() => ({WIDTHS})() === '101,201'")
    wall.get_by_role("link", name="wall 2").first.click()
    page.wait_for_function("() => document.querySelector('.imgbox img')?.naturalWidth === 201")


def test_a_chart_of_pictures_is_chosen_from_what_was_logged(visit: Open, walls: list[str]) -> None:
    page = visit(f"jobs?view=charts&charts=none&eyes={'~'.join(walls)}&q=experiment_name='walls'")
    page.get_by_role("button", name="Add a chart").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Images").click()
    dialog.get_by_text("5 pictures of 2 runs").first.wait_for()
    dialog.get_by_text("window.hacked=#").first.wait_for()
    dialog.get_by_role("button", name="plots/roc.png").click()
    wall = page.get_by_role("region", name="Pictures of plots/roc.png")
    wall.get_by_text("The file is no picture").first.wait_for()
    page.wait_for_function(f"() => ({WIDTHS})() === '50'")
    assert page.evaluate("() => window.hacked") is None
    page.get_by_role("button", name="Take this chart away").first.click()
    wall.wait_for(state="detached")


def test_a_wall_without_pictures_says_so(visit: Open, studio: Studio, walls: list[str]) -> None:
    page = visit(f"jobs?view=charts&charts=images|never&eyes={walls[0]}&q=experiment_name='walls'")
    page.get_by_text("No run that is shown logged it").first.wait_for()
    page.expects_errors = True
    page.route(
        "**/runs/images", lambda route: route.fulfill(status=500, json={"code": "Broken", "message": "it broke"})
    )
    page.goto(f"{studio.place.url}/jobs?view=charts&charts=images|mask&eyes={walls[0]}")
    page.get_by_role("alert").get_by_text("it broke").first.wait_for()


def test_words_stand_among_the_charts(visit: Open, studio: Studio, walls: list[str]) -> None:
    page = visit(f"jobs?view=charts&charts=none&eyes={walls[0]}&q=experiment_name='walls'")
    page.get_by_role("button", name="Add a chart").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Text").click()
    note = page.get_by_role("region", name="Text", exact=True)
    note.get_by_role("button", name="Edit").click()
    area = note.get_by_role("textbox", name="Text in Markdown")
    area.fill(f"# Which ~ is better | and why\n\n**bold** {HOSTILE}")
    area.press("Control+Enter")
    note.get_by_role("heading", name="Which ~ is better | and why").first.wait_for()
    note.locator("strong").get_by_text("bold").first.wait_for()
    page.wait_for_url(lambda url: "Which" in unquote(url))
    again = visit(page.url.removeprefix(f"{studio.place.url}/"))  # the address is the view
    again.get_by_role("heading", name="Which ~ is better | and why").first.wait_for()
    assert again.evaluate("() => window.hacked") is None
