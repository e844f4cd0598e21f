"""The build that is committed: current, complete, small, and served as browsers and proxies want it."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from studio_place import Studio

from zaffre.api import pages

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import studio_hash  # noqa: E402
import studio_types  # noqa: E402

STATIC = ROOT / "src/zaffre/api/static"
KB = 1000


def test_the_build_is_that_of_the_sources() -> None:
    """Branches may be stale, for the merge builds; what is released may not."""
    fresh = studio_hash.SOURCE_HASH.read_text().strip() == studio_hash.source_hash()
    if not fresh and os.environ.get("ZAFFRE_REQUIRE_BROWSER") != "1":
        pytest.skip(
            "the build is older than its sources: cd studio && npm ci && npm run build, then tools/studio_hash.py"
        )
    assert fresh, "cd studio && npm ci && npm run build && python ../tools/studio_hash.py"


def test_types_are_those_of_the_operation_table() -> None:
    told = "python tools/studio_types.py"
    assert studio_types.PLACE.read_text("utf-8") == studio_types.render(), told
    assert studio_types.PLACE.with_name("routes.ts").read_text("utf-8") == studio_types.render_routes(), told


def test_files_of_the_page_exist_and_are_small() -> None:
    text = (STATIC / "index.html").read_text()
    named = re.findall(r'(?:src|href)="\./([^"]+)"', text)
    assert len(named) >= 4
    for name in named:
        assert (STATIC / name).is_file(), name
    packed = {path.name: len(gzip.compress(path.read_bytes(), 6)) for path in STATIC.rglob("*.js")}
    first = sum(size for name, size in packed.items() if f"assets/{name}" in named)
    assert first < 200 * KB, f"the first JavaScript has {first / KB:.0f} kB"
    assert all(size < 250 * KB for size in packed.values()), packed
    assert sum(path.stat().st_size for path in STATIC.rglob("*")) < 3500 * KB
    assert not list(STATIC.rglob("*.map"))
    assert not list(STATIC.rglob("*.gz"))


def test_nothing_in_the_build_names_another_server() -> None:
    """Addresses in it are documentation or names of XML; no page asks for them (the browser tests watch that)."""
    for path in [*STATIC.rglob("*.css"), STATIC / "index.html"]:
        assert "http" not in re.sub(r"http://www\.w3\.org/\S+", "", path.read_text()), path.name


def test_the_lock_file_names_no_registry() -> None:
    text = (ROOT / "studio/package-lock.json").read_text()
    assert '"resolved"' not in text
    assert "integrity" in text


def test_sections_are_those_of_the_router() -> None:
    router = (ROOT / "studio/src/router.tsx").read_text()
    known = {path.strip("/").split("/")[0] for path in re.findall(r'page\("(/[^"]*)"', router)}
    assert known == pages.SECTIONS


def test_addresses_lead_to_the_page_or_to_nothing(studio: Studio) -> None:
    http = studio.place.http
    for path in ("/", "/jobs", "/jobs/some_job", "/models/a/", "/data/x?version=1"):
        answer = http.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["content-type"].startswith("text/html")
        assert answer.headers["cache-control"] == "no-cache"
        depth = path.split("?")[0].count("/") - 1
        assert f'<base href="{"../" * depth or "./"}"' in answer.text, path
    assert http.get("/nothing/here").status_code == 404
    assert "<base" in http.get("/nothing/here").text
    for path in ("/api/nothing", "/assets/none.js", "/none.txt", "/api", "/mlflow"):
        answer = http.get(path)
        assert answer.status_code == 404, path
        assert "<base" not in answer.text
    assert http.post("/jobs").status_code == 405


def test_assets_are_kept_for_ever_and_travel_packed(studio: Studio) -> None:
    http = studio.place.http
    name = next(path.name for path in (STATIC / "assets").glob("index-*.js"))
    answer = http.get(f"/assets/{name}", headers={"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/javascript")
    plain = http.get(f"/assets/{name}", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == (STATIC / "assets" / name).read_bytes()
    assert "immutable" not in http.get("/boot.js").headers["cache-control"]


def test_the_wheel_hook_leaves_a_fresh_build_alone() -> None:
    pytest.importorskip("hatchling")
    code = "import hatch_build; print(hatch_build.needs_build(), hatch_build.StudioBuildHook.PLUGIN_NAME)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    fresh = studio_hash.SOURCE_HASH.read_text().strip() == studio_hash.source_hash()
    assert run.stdout.split() == [str(not fresh), "custom"]
    skipped = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True,
                             env={**os.environ, "ZAFFRE_SKIP_STUDIO": "1"})  # fmt: skip
    assert skipped.stdout.split()[0] == "False"
