"""Death at every point where the engine commits, prepares, starts or finishes something (REL-06)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from dying import live
from lab import command_job, pipeline_job, step

from zaffre.base.errors import NotFound
from zaffre.sdk.workspace import Workspace

NAME = "the-job"
MOST = 400


def document(marks: Path) -> dict[str, Any]:
    """A chain, a fan-out, a nested pipeline, a retry and a step that fails and is passed over."""
    mark = f'echo "$ZAFFRE_TASK_ID" >> {marks}'
    once = f"{mark}; test $(grep -c ^${{ZAFFRE_TASK_ID%-*}}- {marks}) -ge 2"
    named = {"out": {"type": "uri_folder", "name": "result"}}
    inner = pipeline_job({"x": {**step(f"{mark}; echo x > ${{{{outputs.out}}}}/x")}})
    return pipeline_job(
        {
            "a": step(f"{mark}; echo a > ${{{{outputs.out}}}}/a"),
            "b": {**step(f"{mark}; cat ${{{{inputs.from_a}}}}/a > ${{{{outputs.out}}}}/b", "a"), "outputs": named},
            "again": command_job(once, retry_settings={"max_retries": 1, "backoff": 0.01}),
            "inner": inner,
        },
        name=NAME,
    )


def test_death_at_every_point(tmp_path: Path, environments: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZAFFRE_DATABASE", raising=False)
    moment = 0
    while True:
        moment += 1
        assert moment < MOST, "it never lives to its end"
        folder = tmp_path / str(moment)
        folder.mkdir()
        home, marks = folder / "home", folder / "marks"
        home.mkdir()
        (home / "environments").symlink_to(environments)

        def act(workspace: Workspace, marks: Path = marks) -> None:
            try:
                workspace.jobs.get(NAME)
            except NotFound:
                workspace.jobs.create_or_update(document(marks))
            check(workspace, marks)

        survived = live(home, moment, act)
        if not survived:
            assert live(home, 0, act)
        if survived and moment > 1:
            break
    assert moment > 40, f"only {moment} points were met"
    print(f"{moment - 1} points of death")


def check(workspace: Workspace, marks: Path) -> None:
    job = workspace.jobs.wait(NAME, 60)
    steps = {str(item.node): item for item in workspace.jobs.list(parent_job_name=NAME)}
    said = {name: (item.status, item.reason) for name, item in steps.items()}
    assert job.status == "Completed", (job.reason, said)
    assert {name: status for name, (status, _) in said.items()} == dict.fromkeys(
        ("a", "b", "again", "inner"), "Completed"
    )
    tasks = marks.read_text().split()
    assert len(set(tasks)) == len(tasks), f"an attempt ran twice: {tasks}"
    assert sorted(Counter(task.rpartition("-")[0] for task in tasks).values()) == [1, 1, 1, 2], tasks
    assert [item.version for item in workspace.data.list("result")] == ["1"], "registered once"
    assert (steps["b"].model_extra or {})["outputs"]["out"]["files"] == 1
