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


class Traffic:
    """Bytes that a page takes from the network, headers included, as the browser counts them."""

    def __init__(self, page: Any) -> None:
        self.items: list[tuple[int, str]] = []
        urls: dict[str, str] = {}
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on(
            "Network.responseReceived", lambda event: urls.update({event["requestId"]: event["response"]["url"]})
        )
        session.on(
            "Network.loadingFinished",
            lambda event: self.items.append((int(event["encodedDataLength"]), urls.get(event["requestId"], "?"))),
        )

    def of(self, part: str) -> list[tuple[int, str]]:
        return [item for item in self.items if part in item[1]]

    def total(self, part: str = "") -> int:
        return sum(size for size, _ in self.of(part))

    def told(self) -> str:
        return "\n".join(f"{size:>9} {url}" for size, url in sorted(self.items, reverse=True))
