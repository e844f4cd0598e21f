"""A real server with real endpoints."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from live_endpoints import Place, until

from zaffre import Workspace
from zaffre.app.platform import DATABASE_VARIABLE
from zaffre.base.home import Home
from zaffre.sdk.connect import launch, stop


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    os.environ.pop(DATABASE_VARIABLE, None)
    folder = tmp_path_factory.mktemp("serving")
    home = folder / "home"
    home.mkdir(mode=0o700)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "zaffre-tests" / "environments"
    cache.mkdir(parents=True, exist_ok=True)
    (home / "environments").symlink_to(cache)
    launch(Home(home))
    with Workspace.from_home(home, start=False) as ws:
        found = Place(home, folder, ws)
        yield found
        for endpoint in list(found.ws.online_endpoints.list()):
            found.ws.online_endpoints.delete(endpoint.name)
        until(lambda: not list((home / "serving/s").glob("*.sock")))
    stop(Home(home))
    with contextlib.suppress(ProcessLookupError, FileNotFoundError):  # without an endpoint there was no gateway
        os.kill(json.loads((home / "serving/gateway.json").read_text())["pid"], 15)
