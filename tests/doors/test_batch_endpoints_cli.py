"""`zaffre batch-endpoint` and `zaffre batch-deployment` against the real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from small_server import Run

COMPONENT = """
type: pipeline
name: names
inputs:
  data: {type: uri_folder}
  most: {type: integer, default: 1}
outputs:
  names: {type: uri_folder}
jobs:
  list:
    type: command
    command: ls ${{inputs.data}} | head -n ${{inputs.most}} > ${{outputs.names}}/names.txt
    environment: {image: "library/python:latest"}
    inputs: {data: "${{parent.inputs.data}}", most: "${{parent.inputs.most}}"}
    outputs: {names: "${{parent.outputs.names}}"}
"""
DEPLOYMENT = "name: first\nendpoint_name: other\ntype: pipeline\ncomponent: names.yml\n"
INPUTS = "inputs:\n  data: {type: uri_folder, path: data}\n  most: {type: integer, default: 2}\n"


@pytest.fixture
def up(zaffre: Run) -> Iterator[Run]:
    zaffre("up", "--detach")
    yield zaffre
    zaffre("down")


def said(run: Run, *words: str) -> Any:
    done = run(*words, "-o", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_pipeline_behind_an_endpoint(up: Run, tmp_path: Path) -> None:
    inputs = tmp_path / "call"
    (inputs / "data").mkdir(parents=True)
    for name in "abc":
        (inputs / "data" / name).touch()
    (inputs / "inputs.yml").write_text(INPUTS)
    (tmp_path / "names.yml").write_text(COMPONENT)
    (tmp_path / "deployment.yml").write_text(DEPLOYMENT)
    file = str(tmp_path / "deployment.yml")

    assert said(up, "batch-endpoint", "create", "-n", "names")["provisioning_state"] == "Succeeded"
    assert up("batch-deployment", "create", "-f", file).returncode == 3, "there is no endpoint `other`"
    made = said(up, "batch-deployment", "create", "-f", file, "--endpoint", "names", "--set-default")
    assert (made["name"], made["endpoint_name"]) == ("first", "names")
    said(up, "batch-deployment", "create", "-f", file, "-e", "names", "-n", "second")
    assert [item["name"] for item in said(up, "batch-deployment", "list", "-e", "names")] == ["first", "second"]
    words = ("batch-endpoint", "update", "--name", "names", "--set")
    assert said(up, *words, "defaults.deployment_name=second")["defaults"] == {"deployment_name": "second"}
    assert up(*words, "defaults.deployment_name=third").returncode == 3

    call = ("batch-endpoint", "invoke", "-n", "names")
    job = said(up, *call, "-d", "first", "-f", str(inputs / "inputs.yml"), "--job-name", "mine", "--stream")
    assert (job["name"], job["status"]) == ("mine", "Completed")
    up("job", "download", "-n", "mine", "--output-name", "names", "-p", str(tmp_path / "got"))
    assert (tmp_path / "got/named-outputs/names/names.txt").read_text().split() == ["a", "b"]
    job = said(up, *call, "--input", str(inputs / "data"), "--inputs", "most=3")
    assert said(up, "job", "wait", "-n", job["name"])["status"] == "Completed"
    assert said(up, "batch-endpoint", "list-jobs", "-n", "names", "--query", "[].name") == [job["name"], "mine"]
    assert said(up, "batch-deployment", "list-jobs", "-n", "first", "-e", "names", "--query", "[].name") == ["mine"]
    refused = up(*call, "-f", file)
    assert (refused.returncode, "has `inputs` and `outputs`" in refused.stderr) == (2, True)

    assert up("batch-deployment", "delete", "-n", "first", "-e", "names", "--yes").returncode == 0
    assert up("batch-endpoint", "delete", "-n", "names").returncode == 2, "not confirmed"
    assert up("batch-endpoint", "delete", "-n", "names", "--yes").returncode == 0
    gone = up("batch-endpoint", "show", "-n", "names")
    assert (gone.returncode, "not found" in gone.stderr) == (3, True)
