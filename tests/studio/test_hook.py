"""The build hook, for real: a clone whose build is stale is built anew with Node, and the wheel holds the new pages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hatchling")
ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
import hatch_build  # noqa: E402

MARK = "A build hook was here"
WHEEL = "from hatchling.build import build_wheel; print(build_wheel('dist'))"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What git would clone, with a page that changed since it was built."""
    named = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, named.split("\0")):
        if (ROOT / name).is_file() and not name.startswith(("tests/", "benchmarks/", "examples/", "docs/")):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    page = tmp_path / "studio/index.html"
    page.write_text(page.read_text().replace("</title>", f"</title><!-- {MARK} -->"))
    return tmp_path


def _wheel(clone: Path, **environment: str) -> zipfile.ZipFile:
    (clone / "dist").mkdir(exist_ok=True)
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "ZAFFRE_"))}
    done = subprocess.run(
        [sys.executable, "-c", WHEEL],
        cwd=clone,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return zipfile.ZipFile(clone / "dist" / done.stdout.split()[-1])


def _page(wheel: zipfile.ZipFile) -> str:
    return wheel.read("zaffre/api/static/index.html").decode()


@pytest.mark.slow
def test_a_stale_build_is_made_anew_and_a_fresh_one_is_left_alone(clone: Path) -> None:
    if hatch_build.node() is None:
        pytest.skip("no Node >= 20.19 is installed")
    wheel = _wheel(clone)
    assert MARK in _page(wheel)
    names = set(wheel.namelist())
    assert all(f"zaffre/api/static/{name.partition('./')[2]}" in names for name in _page(wheel).split('"')
               if name.startswith("./assets/"))  # fmt: skip
    assert not [name for name in names if "node_modules" in name]
    built = (clone / "src/zaffre/api/static/index.html").stat().st_mtime_ns
    shutil.rmtree(clone / "studio/node_modules")
    assert MARK in _page(_wheel(clone, PATH="/nonexistent")), "it is fresh now: no Node is looked for"
    assert (clone / "src/zaffre/api/static/index.html").stat().st_mtime_ns == built


def test_the_hook_can_be_told_to_leave_all_as_it_is(clone: Path) -> None:
    wheel = _wheel(clone, ZAFFRE_SKIP_STUDIO="1", PATH="/nonexistent")
    assert "<base" in _page(wheel)
    assert MARK not in _page(wheel)
    shutil.rmtree(clone / "src/zaffre/api/static")
    (clone / "src/zaffre/api/static").mkdir()
    with pytest.raises(AssertionError, match="no Studio"):
        _wheel(clone, ZAFFRE_SKIP_STUDIO="1")
