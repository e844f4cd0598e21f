"""What the tests of the house share: the real application of a platform over a home of the test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from zaffre.app.platform import Platform, open_platform
from zaffre.app.server import LOOPBACK, doors
from zaffre.services.context import Settings

ROOT = Path(__file__).parents[2]
TOKEN = "owner-of-the-test"


@dataclass
class House:
    """A platform, its application, and a client that says nothing of itself."""

    platform: Platform
    app: Starlette
    client: TestClient


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    url = "http://127.0.0.1:8787"
    platform = open_platform(tmp_path_factory.mktemp("home"), Settings(url, {}, False))
    try:
        app = doors(platform, TOKEN, frozenset(LOOPBACK))
        with TestClient(app, base_url=url, raise_server_exceptions=False, follow_redirects=False) as client:
            yield House(platform, app, client)
    finally:
        platform.close()
