"""With each run is kept what it can be repeated from."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from place import Place, ServerPlace

ENVIRONMENT = {"name": "small", "requirements": ["idna==3.10"]}


def git(folder: Path, *words: str) -> str:
    who = {
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@b.c",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@b.c",
    }
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    done = subprocess.run(
        ["git", *words], cwd=folder, text=True, capture_output=True, check=True,
        env={**clean, **who, "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"},
    )  # fmt: skip
    return done.stdout.strip()


def repository(folder: Path) -> str:
    """Two folders with code, committed, then changed. Returns the commit."""
    for name in ("one", "two"):
        (folder / name).mkdir()
        (folder / name / "x.py").write_text("print('committed')\n")
    git(folder, "init", "-q", "-b", "trunk")
    git(folder, "remote", "add", "origin", "https://somebody:secret@example.org/code.git")
    git(folder, "add", "one", "two")
    git(folder, "commit", "-q", "-m", "first")
    for name in ("one", "two"):
        (folder / name / "x.py").write_text(f"print('changed {name}')\n")
    return git(folder, "rev-parse", "HEAD")


def test_a_run_keeps_code_diff_packages_machine_parameters_and_seed(place: Place) -> None:
    commit = repository(place.project)
    job = place.run(
        {
            "type": "command",
            "code": str(place.project / "one"),
            "command": "python x.py; echo ${{inputs.seed}} ${{inputs.rate}}",
            "environment": ENVIRONMENT,
            "environment_variables": {"PYTHONHASHSEED": "7", "SEED_PHRASE": "open sesame", "PASSWORD": "xyz"},
            "inputs": {"seed": 42, "rate": 0.1},
        }
    )
    assert job.facts
    assert job.facts["parameters"] == {"seed": "42", "rate": "0.1"}
    assert job.facts["seeds"] == {"seed": "42", "PYTHONHASHSEED": "7"}
    assert job.facts["machine"]["cores"] > 0
    assert (job.properties["azureml.git.commit"], job.properties["azureml.git.dirty"]) == (commit, "True")

    facts = place.ws.jobs.facts(job.name)
    assert facts.job == job.name
    assert facts.git == {
        "commit": commit, "branch": "trunk", "remote": "https://example.org/code.git", "dirty": True,
    }  # fmt: skip
    assert facts.diff
    assert "+print('changed one')" in facts.diff
    assert "two" not in facts.diff, "the code of this job only"
    assert facts.environment_lock is not None
    assert "idna==3.10" in facts.environment_lock.splitlines()
    assert all("==" in line for line in facts.environment_lock.splitlines())
    assert facts.environment == {**ENVIRONMENT, **(facts.environment or {})}
    assert facts.code == job.facts["code"]
    assert (facts.parameters, facts.seeds) == (job.facts["parameters"], job.facts["seeds"])
    assert "secret" not in facts.model_dump_json()
    assert "sesame" not in facts.model_dump_json()


def test_each_step_of_a_pipeline_keeps_them_too_and_a_reused_one_shows_those_of_the_run(server: ServerPlace) -> None:
    commit = repository(server.project)
    (server.project / "pipeline.yml").write_text(
        """
type: pipeline
inputs: {seed: 3}
jobs:
  first:
    code: one
    command: python x.py ${{inputs.seed}}
    environment: {name: small, requirements: [idna==3.10]}
    inputs: {seed: "${{parent.inputs.seed}}"}
  second:
    code: two
    command: python x.py
    environment: {name: small, requirements: [idna==3.10]}
"""
    )
    seen = []
    for _ in range(2):
        run = server.zaffre("job", "create", "-f", "pipeline.yml", "--wait", "--query", "name", "-o", "tsv").strip()
        steps = {step["node"]: step for step in server.json("job", "list", "--parent-job-name", run)}
        assert steps["first"]["inputs"] == {"seed": "3"}
        seen.append(server.json("job", "facts", "--name", steps["first"]["name"]))
        assert server.json("job", "facts", "--name", steps["second"]["name"])["git"]["commit"] == commit
    assert seen[0] == seen[1], "the second is reused"
    assert steps["first"]["reused_from"] == seen[1]["job"] != steps["first"]["name"]
    facts = seen[0]
    assert (facts["git"]["commit"], facts["seeds"], facts["parameters"]) == (commit, {"seed": "3"}, {"seed": "3"})
    for name in ("one", "two"):
        assert f"+print('changed {name}')" in facts["diff"]
    assert "idna==3.10" in facts["environment_lock"].splitlines()
    assert facts["machine"]["cores"] > 0
    lock = server.zaffre("job", "facts", "--name", facts["job"], "--query", "environment_lock", "-o", "tsv")
    assert "idna==3.10" in lock.splitlines()


def test_a_run_is_repeated_exactly_from_the_command_line(server: ServerPlace) -> None:
    repository(server.project)
    (server.project / "job.yml").write_text(
        """
type: command
code: one
command: python x.py > ${{outputs.said}}/text; date +%s%N > ${{outputs.said}}/clock
environment: {name: small, requirements: [idna==3.10]}
outputs: {said: {type: uri_folder}}
"""
    )
    run = server.zaffre("job", "create", "-f", "job.yml", "--wait", "--query", "name", "-o", "tsv").strip()
    (server.project / "one" / "x.py").write_text("print('changed since')\n")
    told = server.zaffre("job", "rerun", run, "--exact", "--stream")
    assert "  said: clock was changed" in told
    assert "text was changed" not in told
    again = server.json("job", "list")[0]
    assert (again["facts"]["rerun"]["of"], again["facts"]["rerun"]["exact"]) == (run, True)
    assert again["properties"]["azureml.git.commit"]
    found = server.json("job", "diff", again["name"])
    assert [(item["what"], item["name"]) for item in found["made"]] == [("output", "said")]
    assert not found["given"]
    changed = server.json("job", "rerun", "--name", run, "--set", "command=echo other", "--wait")
    assert "command" in server.zaffre("job", "diff", changed["name"], "-o", "table")
    assert "changes nothing" in server.zaffre("job", "rerun", run, "--exact", "--set", "a=1", status=2)
