"""The code that pages show is run: Python, command line and REST, against the server that the page came from."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from studio_browser import settle
from studio_place import Studio

PAGES = (
    "", "jobs", "jobs?q=metrics.r2 > 0.5 and params.model = 'boosting'&sort=metrics.r2 desc", "jobs/{train}",
    "jobs/{pipeline}", "compare?runs={run}~{train}", "pipelines", "data", "data/patients", "models",
    "models/progression", "environments", "environments/forest", "components", "components/count_rows", "datastores",
    "compute", "settings",
)  # fmt: skip
LANGUAGES = ("Python", "CLI", "REST")


@pytest.fixture(scope="module")
def shell(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A shell in which `zaffre` and `python` are this copy."""
    folder = tmp_path_factory.mktemp("bin")
    for name, command in (("zaffre", f'exec "{sys.executable}" -m zaffre "$@"'),):
        (folder / name).write_text(f"#!/bin/sh\n{command}\n")
        (folder / name).chmod(0o755)
    source = str(Path(__file__).parents[2] / "src")
    clean = {key: value for key, value in os.environ.items() if not key.startswith("ZAFFRE_")}
    return {**clean, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": source,
            "ZAFFRE_HOME": str(studio.place.home), "ZAFFRE_TOKEN": studio.place.token}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("path", PAGES)
def test_the_code_of_a_page_runs(
    visit: Callable[..., Any], studio: Studio, shell: dict[str, str], tmp_path: Path, path: str
) -> None:
    page = visit(path.format(**studio.made))
    settle(page)
    page.get_by_role("button", name="Code", exact=True).click()
    panel = page.get_by_role("complementary", name="This page as code")
    for language in LANGUAGES:
        button = panel.get_by_role("button", name=language, exact=True)
        if not button.count():
            continue
        button.click()
        code = panel.locator("pre.code").inner_text()
        assert studio.place.token not in code
        if language == "REST":
            code = code.replace("curl ", "curl --silent --show-error --fail-with-body ", 1)
        command = [sys.executable, "-c", code] if language == "Python" else ["sh", "-ec", code]
        done = subprocess.run(
            command, env=shell, cwd=tmp_path, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{language}:\n{code}\n{done.stdout[-500:]}{done.stderr[-1500:]}"
        if language == "REST":
            assert done.stdout.startswith("{"), done.stdout[:200]
