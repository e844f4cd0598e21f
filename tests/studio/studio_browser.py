"""The browser that is installed: tests and pictures use the same."""

from __future__ import annotations

import os
import shutil
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def executable() -> str | None:
    """`ZAFFRE_CHROMIUM`, else what is on PATH."""
    if chosen := os.environ.get("ZAFFRE_CHROMIUM"):
        return chosen
    return next((found for name in NAMES if (found := shutil.which(name))), None)


def chromium(playwright: Any) -> Any:
    """Raises if there is none. As root it runs without its sandbox: it only opens our own pages."""
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    return playwright.chromium.launch(executable_path=executable(), args=[*arguments, "--disable-gpu"])


def settle(page: Any) -> None:
    """Nothing is loading any more."""
    page.wait_for_selector("main h1, .login", timeout=20_000)
    page.wait_for_function("() => !document.querySelector('.skel, [aria-busy=true]')", timeout=20_000)
