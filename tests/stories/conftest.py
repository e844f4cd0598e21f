"""Whole stories on the whole platform: embedded in the test's process, and as a server that programs talk to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from place import Place, ServerPlace

from zaffre import Workspace
from zaffre.app.platform import DATABASE_VARIABLE
from zaffre.base.home import Home
from zaffre.sdk.connect import launch, stop


@pytest.fixture(scope="session")
def environments() -> Path:
    """Environments are built once, shared by stories, workers and later runs: their names tell what is in them."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "zaffre-tests" / "environments"
    cache.mkdir(parents=True, exist_ok=True)
    return cache


@pytest.fixture(autouse=True)
def _on_sqlite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DATABASE_VARIABLE, raising=False)


def _folders(folder: Path, environments: Path) -> tuple[Path, Path]:
    home, project = folder / "home", folder / "project"
    home.mkdir(mode=0o700)
    project.mkdir()
    (home / "environments").symlink_to(environments)
    return home, project


@pytest.fixture
def embedded(tmp_path: Path, environments: Path) -> Iterator[Place]:
    home, project = _folders(tmp_path, environments)
    with Workspace.local(home) as ws:
        yield Place(home, project, ws)


@pytest.fixture
def server(tmp_path: Path, environments: Path) -> Iterator[ServerPlace]:
    home, project = _folders(tmp_path, environments)
    launch(Home(home))
    with Workspace.from_home(home, start=False) as ws:
        yield ServerPlace(home, project, ws)
    stop(Home(home))


@pytest.fixture(params=["embedded", "server"])
def place(request: pytest.FixtureRequest) -> Place:
    """Both ways to have a workspace."""
    found: Place = request.getfixturevalue(request.param)
    return found
