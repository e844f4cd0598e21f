from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_server import Run, SmallServer


@pytest.fixture
def small_server(tmp_path: Path) -> Iterator[SmallServer]:
    home = tmp_path / "home"
    home.mkdir()
    server = SmallServer(home)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def zaffre(tmp_path: Path) -> Run:
    """Run the command line as a real program, with the home of the test and nothing of the caller's settings."""

    def run(*words: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("ZAFFRE_")}
        return subprocess.run(
            [sys.executable, "-m", "zaffre", *words],
            capture_output=True,
            text=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
            cwd=cwd or tmp_path,
            env={**clean, "ZAFFRE_HOME": str(tmp_path / "home"), "PYTHONPATH": _paths(), **env},
            check=False,
        )

    return run


def _paths() -> str:
    return os.pathsep.join(os.path.abspath(path) for path in os.environ.get("PYTHONPATH", "src").split(os.pathsep))
