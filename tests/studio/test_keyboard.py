"""The whole Studio by keyboard: each page a keystroke away, the focus seen, and back where it was after a dialog."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from studio_browser import settle

Open = Callable[..., Any]
KEYS = {
    "h": "/", "j": "/jobs", "p": "/pipelines", "a": "/data", "m": "/models", "v": "/environments", "o": "/components",
    "e": "/endpoints", "c": "/compute", "t": "/datastores", ",": "/settings",
}  # fmt: skip
FOCUS = """async () => {  // an editor draws its ring a moment after it has the focus
  const look = () => {
    const now = document.activeElement, style = getComputedStyle(now), ring = parseFloat(style.outlineWidth);
    const around = getComputedStyle(now.closest(".field, .cm-editor") ?? now);
    const seen = (style.outlineStyle !== "none" && ring >= 2) || (around.outlineStyle !== "none" && parseFloat(around.outlineWidth) >= 2);
    return [now.tagName + " " + (now.getAttribute("aria-label") ?? now.textContent).slice(0, 40), seen];
  };
  for (let at = 0; at < 20 && !look()[1]; at++) await new Promise((later) => setTimeout(later, 25));
  return look();
}"""


def _at(page: Any, path: str) -> None:
    page.wait_for_url(lambda url: urlsplit(url).path == path)
    settle(page)  # a page that still draws may take longer than the two keys of a way may be apart


def _rail(page: Any) -> dict[str, str]:
    links = page.get_by_role("navigation", name="Main").get_by_role("link")
    return {link.inner_text(): urlsplit(link.evaluate("(link) => link.href")).path for link in links.all()}


def test_each_page_is_a_keystroke_away(visit: Open) -> None:
    page = visit()
    settle(page)
    assert set(_rail(page).values()) == set(KEYS.values())
    for key, path in KEYS.items():
        page.keyboard.press("g")
        page.keyboard.press(key)
        _at(page, path)
    page.keyboard.press("n")
    _at(page, "/submit")


def test_each_page_is_in_the_palette(visit: Open) -> None:
    page = visit()
    settle(page)
    for title, path in _rail(page).items():
        page.keyboard.press("Control+k")
        page.get_by_placeholder("Go to a page").fill(f"go to {title}")
        page.get_by_role("option", name=title, selected=True).first.wait_for()
        page.keyboard.press("Enter")
        _at(page, path)
        page.get_by_placeholder("Go to a page").wait_for(state="detached")


def test_tables_answer_wherever_the_focus_is(visit: Open) -> None:
    page = visit("jobs")
    settle(page)
    page.locator("[data-grid] .line").first.wait_for()
    page.keyboard.press("j")
    page.locator("[data-grid] .line.current[aria-rowindex='2']").wait_for()
    page.keyboard.press("j")
    page.locator("[data-grid] .line.current[aria-rowindex='3']").wait_for()
    page.keyboard.press("k")
    page.locator("[data-grid] .line.current[aria-rowindex='2']").wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: urlsplit(url).path.startswith("/jobs/"))


@pytest.mark.parametrize("path", ["", "jobs", "submit", "models/progression", "settings"])
def test_the_focus_is_seen(visit: Open, path: str) -> None:
    page = visit(path)
    settle(page)
    seen = []
    for _ in range(24):
        if page.evaluate("() => document.activeElement.matches('textarea, .cm-content')"):
            page.keyboard.press("Escape")  # in an editor Tab indents; after Escape it leaves
        page.keyboard.press("Tab")
        seen.append(page.evaluate(FOCUS))
    assert len({name for name, _ in seen}) > 12, seen
    assert not [name for name, ring in seen if not ring and not name.startswith(("BODY", "A Skip"))], seen


@pytest.mark.parametrize(
    ("path", "button", "opened"),
    [
        ("jobs", "Columns", "dialog"),
        ("jobs", "Smoothing", "dialog"),
        ("jobs", "Group", "menu"),
        ("jobs", "More", "menu"),
        ("jobs", "View", "menu"),
        ("jobs", "Chart", "dialog"),
        ("data", "Add data", "dialog"),
        ("endpoints", "New endpoint", "dialog"),
    ],
)
def test_the_focus_returns(visit: Open, path: str, button: str, opened: str) -> None:
    page = visit(path)
    settle(page)
    opener = page.locator(".pagehead, .toolbar, .panelbar, main").get_by_role("button", name=button, exact=True).first
    opener.focus()
    page.keyboard.press("Enter")
    floating = page.get_by_role(opened)
    floating.first.wait_for()
    page.wait_for_function(f"() => document.querySelector('[role={opened}]')?.contains(document.activeElement)")
    page.keyboard.press("Escape")
    floating.first.wait_for(state="detached")
    page.wait_for_function("(button) => document.activeElement === button", arg=opener.element_handle())


def test_a_menu_is_walked_by_keys(visit: Open) -> None:
    page = visit("jobs")
    settle(page)
    opener = page.locator("main").get_by_role("button", name="View", exact=True)
    opener.focus()
    page.keyboard.press("ArrowDown")
    page.wait_for_function("() => document.activeElement.getAttribute('role') === 'menuitem'")
    page.get_by_role("menuitem", name="Save this view").focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog", name="Save this view").wait_for()
    page.get_by_role("menu").wait_for(state="detached")
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    page.wait_for_function("(opener) => document.activeElement === opener", arg=opener.element_handle())


def test_the_focus_returns_after_the_palette_and_the_sheet(visit: Open) -> None:
    page = visit("jobs")
    settle(page)
    grid = page.get_by_role("grid", name="Runs")
    grid.focus()
    for keys in ("Control+k", "?"):
        page.keyboard.press(keys)
        page.get_by_role("dialog").first.wait_for()
        page.wait_for_function("() => document.querySelector('[role=dialog]')?.contains(document.activeElement)")
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="detached")
        page.wait_for_function("(grid) => document.activeElement === grid", arg=grid.element_handle())


def test_a_draft_becomes_an_editor_without_losing_a_word(visit: Open) -> None:
    page = visit("submit")
    settle(page)
    document = page.get_by_role("textbox", name="Document of the job, in YAML")
    document.focus()
    page.keyboard.press("Control+End")
    page.keyboard.type("# one two three", delay=20)
    page.locator(".cm-content").wait_for()
    page.keyboard.type(" four")
    page.wait_for_function("() => document.querySelector('.cm-content').innerText.includes('# one two three four')")
    assert page.locator("textarea").count() == 0
