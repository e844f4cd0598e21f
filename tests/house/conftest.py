"""The real application of a platform over a home of the test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient
from whole_house import TOKEN, House

from zaffre.app.platform import open_platform
from zaffre.app.server import LOOPBACK, doors
from zaffre.services.context import Settings


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
