"""The Studio's sources, where Node and its packages are: they type-check, lint, pass their tests, and give the build."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

STUDIO = Path(__file__).parents[2] / "studio"
STATIC = Path(__file__).parents[2] / "src/zaffre/api/static"

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or not (STUDIO / "node_modules").is_dir(), reason="needs Node, and npm ci in studio/"
)


def run(*command: str) -> str:
    done = subprocess.run(
        command, cwd=STUDIO, capture_output=True, text=True, check=False, env={**os.environ, "CI": "1"}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_types_and_style() -> None:
    run("npx", "--no-install", "tsc", "--noEmit")
    run("npx", "--no-install", "oxlint", "--quiet")


def test_the_library_does_what_it_says() -> None:
    run("npx", "--no-install", "vitest", "run")


def test_the_build_is_the_same_again(tmp_path: Path) -> None:
    """What is committed is what these sources give, byte for byte."""
    if (STATIC / "SOURCE_HASH").read_text() != _hash():
        pytest.skip("the build is older than its sources")
    run("npx", "--no-install", "vite", "build", "--outDir", str(tmp_path / "out"))
    assert _files(tmp_path / "out") == {name: told for name, told in _files(STATIC).items() if name != "SOURCE_HASH"}


def _files(folder: Path) -> dict[str, str]:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def _hash() -> str:
    import sys

    sys.path.insert(0, str(STUDIO.parent / "tools"))
    import studio_hash

    return studio_hash.source_hash() + "\n"
