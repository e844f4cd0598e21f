"""A script in a job asks the platform itself, with the token that the job was given."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from place import Place, paths

SCRIPTS = Path(__file__).parent / "training"


@pytest.mark.parametrize("workspace", ["default", "elsewhere"])
def test_a_script_in_a_job_reads_its_workspace_and_submits_nothing(place: Place, workspace: str) -> None:
    place.ws.workspaces.create_or_update({"name": "elsewhere"})
    ws = place.into(workspace)
    (place.project / "words.txt").write_text("one two three")
    ws.data.create_or_update({"name": "words", "type": "uri_file", "path": str(place.project / "words.txt")})
    job = ws.jobs.create_or_update(
        {
            "type": "command",
            "code": str(SCRIPTS),
            "command": f"{sys.executable} ask_from_inside.py",
            "environment": {"image": "library/python:latest"},
            "environment_variables": {"SOURCES": paths()},
        }
    )
    ended = ws.jobs.wait(job.name, 120)
    printed = b"".join(ws.jobs.log(job.name)).decode()
    assert ended.status == "Completed", printed
    assert (
        f"submit: job:{job.name} has no permission jobs.write in workspace {workspace} (the token of a job" in printed
    )
    assert len(list(ws.jobs.list())) == 1
    assert os.environ.get("ZAFFRE_TOKEN") is None
