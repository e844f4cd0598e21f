"""The first steps that the pages tell: `zaffre init`, its commands, and the Python of the README."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from place import ServerPlace, paths

README = Path(__file__).parents[2] / "README.md"


@pytest.mark.slow
def test_the_project_of_init_and_the_python_of_the_readme_run_as_they_stand(server: ServerPlace) -> None:
    said = server.zaffre("init", "my-project")
    server.project = server.project / "my-project"
    for command in re.findall(r"^  zaffre (job create .*?)(?:  |$)", said, re.MULTILINE):
        server.zaffre(*command.split())
    jobs = {job["display_name"]: job for job in server.json("job", "list")}
    assert {name: job["status"] for name, job in jobs.items()} == {"describe": "Completed", "risk": "Completed"}
    steps = server.json("job", "list", "--parent-job-name", jobs["risk"]["name"])
    assert {step["node"] for step in steps} == {"prepare", "train", "evaluate"}

    plan = server.json("job", "plan", "-f", "pipeline.yml", "--set", "inputs.depth=3")
    assert {step["step"]: step["runs"] for step in plan["steps"]} == {"prepare": False, "train": True, "evaluate": None}
    path = f"azureml://jobs/{jobs['risk']['name']}/outputs/model"
    model = server.json("model", "create", "-n", "risk", "--type", "mlflow_model", "--path", path)
    assert "sklearn" in model["flavors"]
    assert model["job_name"] == jobs["risk"]["name"]

    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("ZAFFRE_", "MLFLOW_"))}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=server.project, text=True, capture_output=True, timeout=280, check=False,
        env={**clean, "ZAFFRE_HOME": str(server.home), "PYTHONPATH": paths()},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    newest = server.json("job", "list", "--max-results", "1")[0]
    assert (newest["display_name"], newest["status"]) == ("risk", "Completed")
    steps = server.json("job", "list", "--parent-job-name", newest["name"])
    assert all(step["reused_from"] for step in steps), json.dumps(steps)
