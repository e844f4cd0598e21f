"""Data by the command line, against a server of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from stores import dedent

from zaffre.base.home import Home
from zaffre.sdk.connect import stop

Zaffre = Callable[..., Any]


@pytest.fixture
def zaffre(tmp_path: Path) -> Iterator[Zaffre]:
    """Run a command in the user's folder: its reply, or what it said when it ended with another `status`."""
    home, project = tmp_path / "home", tmp_path / "project"
    project.mkdir()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "zaffre-tests" / "environments"
    cache.mkdir(parents=True, exist_ok=True)
    home.mkdir(mode=0o700)
    (home / "environments").symlink_to(cache)
    clean = {key: value for key, value in os.environ.items() if not key.startswith("ZAFFRE_")}
    paths = os.pathsep.join(os.path.abspath(path) for path in os.environ.get("PYTHONPATH", "src").split(os.pathsep))

    def run(line: str, status: int = 0) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "zaffre", *line.split()], cwd=project, text=True, capture_output=True, timeout=120,
            stdin=subprocess.DEVNULL, check=False, env={**clean, "ZAFFRE_HOME": str(home), "PYTHONPATH": paths},
        )  # fmt: skip
        assert done.returncode == status, f"zaffre {line}: {done.returncode}\n{done.stdout}{done.stderr}"
        if status:
            return done.stdout + done.stderr
        try:
            return json.loads(done.stdout)
        except ValueError:
            return done.stdout + done.stderr

    yield run
    stop(Home(home))


def test_data_by_the_command_line(zaffre: Zaffre, tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "mirror").mkdir()
    (project / "mirror/w.csv").write_text("w\n1\n")
    zaffre(f"up --detach --url-rewrite https://data.example.org/={(project / 'mirror').as_uri()}/")
    (project / "d").mkdir()
    (project / "d/t.csv").write_text("a,b\n1,2\n")
    assert zaffre("data create -n d --path d --tags kind=raw")["version"] == "1"
    assert zaffre("data create -n d --path d --version 1")["version"] == "1"
    (project / "d/t.csv").write_text("a,c\n1,2\n3,4\n")
    assert "exists already with other content" in zaffre("data create -n d --path d --version 1", 1)
    assert zaffre("data create -n d --path d")["version"] == "2"
    diff = zaffre("data diff -n d --base 1 --other 2 -o json")
    (file,) = diff["files"]
    assert (file["path"], file["change"], file["former_rows"], file["rows"]) == ("t.csv", "changed", 1, 2)
    assert (file["columns_added"], file["columns_removed"]) == (["c"], ["b"])
    assert "t.csv" in zaffre("data diff -n d --base 1 --other 2 -o table")
    assert zaffre("data update -n d -v 1 --set tags.kind=old --set-label best")["labels"] == ["best"]
    assert zaffre("data show -n d --label best")["tags"] == {"kind": "old"}
    zaffre("data archive -n d --label best")
    assert [item["version"] for item in zaffre("data list -n d -o json")] == ["2"]
    zaffre("data restore -n d -v 1")
    assert [item["version"] for item in zaffre("data list -n d -o json")] == ["2", "1"]
    # by reference, and from outside
    (project / "lying").mkdir()
    (project / "lying/x.txt").write_text("one")
    zaffre("data create -n lying --path lying --by-reference")
    (project / "lying/x.txt").write_text("other")
    assert zaffre("data check -n lying")["detail"] == "x.txt was changed (3 -> 5 bytes)"
    zaffre("data create -n web --path https://data.example.org/w.csv")
    (project / "job.yml").write_text(
        dedent("""
            type: command
            environment: azureml:minimal@latest
            command: cat ${{inputs.web}} && cp ${{inputs.d}}/t.csv ${{outputs.o}}
            inputs:
              web: {type: uri_file, path: azureml:web:1}
              d: {type: uri_folder, path: azureml:d@latest}
            outputs:
              o: {type: uri_file, name: made}
            """)
    )
    said = zaffre("job create -f job.yml --name j1 --stream")
    assert "w\n1\n" in said
    assert "https://data.example.org/w.csv is read from file://" in said
    assert zaffre("lineage show --type data -n d --version 2 -o json")["used_by"][0]["job"] == "j1"
    assert zaffre("lineage show --type data -n made -o json")["made_by"][0]["job"] == "j1"
    assert zaffre("data show -n made")["job_name"] == "j1"
    assert "j1" in zaffre("data delete -n d -v 2 --yes", 1)
    zaffre("data download -n made --download-path got")
    assert [path.read_text() for path in (project / "got").rglob("*") if path.is_file()] == ["a,c\n1,2\n3,4\n"]
    assert zaffre("storage scrub")["damaged"] == []
    zaffre("data delete -n lying --yes")
    assert zaffre("storage gc --dry-run")["objects"] == 0
    assert zaffre("storage gc --keep-hours 0 --yes -o json")["dry_run"] is False
