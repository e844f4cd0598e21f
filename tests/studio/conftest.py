"""One server with something of everything, one installed browser, and a page that must stay free of errors."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from studio_browser import chromium, executable
from studio_place import Place, Studio, seed

SIZE = {"width": 1440, "height": 900}


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    place = Place(tmp_path_factory.mktemp("studio") / "home")
    try:
        yield Studio(place, seed(place))
    finally:
        place.stop()


@pytest.fixture(scope="session")
def chrome() -> Iterator[Any]:
    mandatory = os.environ.get("ZAFFRE_REQUIRE_BROWSER") == "1"
    if executable() is None:
        assert not mandatory, "ZAFFRE_REQUIRE_BROWSER=1, and no Chromium is installed"
        pytest.skip("no Chromium is installed (ZAFFRE_CHROMIUM names one)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = chromium(playwright)
        yield browser
        browser.close()


Open = Callable[..., Any]


@pytest.fixture
def visit(chrome: Any, studio: Studio) -> Iterator[Open]:
    """`visit(path, theme=...)` opens a page, logged in; at the end nothing may have gone wrong or gone elsewhere."""
    contexts: list[Any] = []
    faults: list[str] = []
    origin = studio.place.url

    def watch(page: Any) -> None:
        def console_of(answer: Any) -> None:
            if not getattr(page, "expects_errors", False):
                faults.append(f"{answer.status} {answer.url}")

        def console(message: Any) -> None:
            if message.type == "error" and not getattr(page, "expects_errors", False):
                faults.append(f"console: {message.text}")

        page.on("console", console)
        page.on("response", lambda answer: answer.status >= 400 and console_of(answer))
        page.on("pageerror", lambda error: faults.append(f"error: {error}"))
        page.on(
            "request",
            lambda request: (
                request.url.startswith((origin, "blob:", "data:")) or faults.append(f"request to {request.url}")
            ),
        )

    def visit(path: str = "", theme: str = "light", **options: Any) -> Any:
        context = chrome.new_context(
            viewport=SIZE, color_scheme=theme, reduced_motion="reduce", locale="en-US", **options
        )
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        watch(page)
        page.goto(studio.place.link)
        if path:
            page.goto(f"{origin}/{path}")
        return page

    yield visit
    for context in contexts:
        context.close()
    assert not faults, "\n".join(faults[:10])
