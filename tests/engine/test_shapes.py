"""Behaviour x shape: each behaviour of a step in each shape of a pipeline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lab import Lab, command_job, pipeline_job, step

MAKE = "echo made > ${{outputs.out}}/file"
SHAPES: dict[str, dict[str, Any]] = {
    "linear": {"a": (), "bad": ("a",), "c": ("bad",)},
    "fan_out": {"a": (), "bad": ("a",), "c": ("a",), "d": ("a",)},
    "diamond": {"a": (), "bad": ("a",), "c": ("a",), "d": ("bad", "c")},
    "nested": {"a": (), "inner": {"bad": ("a",), "c": ("bad",)}, "d": ("inner",)},
}
WHOLE = {name: sorted(["a", *(["inner", "inner.bad", "inner.c", "d"] if name == "nested" else list(shape)[1:])])
         for name, shape in SHAPES.items()}  # fmt: skip
AFTER_BAD = {"linear": ["c"], "fan_out": [], "diamond": ["d"], "nested": ["inner.c", "d"]}


def draw(shape: str, bad: str, **fields: Any) -> dict[str, Any]:
    """The pipeline of a shape; its step `bad` runs another command."""
    jobs: dict[str, Any] = {}
    settings = fields.pop("settings", {})
    for name, sources in SHAPES[shape].items():
        if name == "inner":
            jobs[name] = _inner(bad, settings, fields)
        elif name == "bad":
            jobs[name] = step(bad, *sources, **fields)
        else:
            jobs[name] = step(f"{MAKE}; : {name}", *sources)
    return pipeline_job(jobs, settings=settings)


def _inner(bad: str, settings: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    first, second = step(bad, **fields), step(MAKE, "bad")
    first["inputs"] = {"from_a": "${{parent.inputs.data}}"}
    second["outputs"] = {"out": "${{parent.outputs.out}}"}
    return pipeline_job(
        {"bad": first, "c": second},
        inputs={"data": {"type": "uri_folder", "path": "${{parent.jobs.a.outputs.out}}"}},
        outputs={"out": {"type": "uri_folder"}},
        settings=settings,
    )


every_shape = pytest.mark.parametrize("shape", list(SHAPES))


@every_shape
def test_succeeding_then_cached(lab: Lab, shape: str) -> None:
    first = lab.run(draw(shape, MAKE))
    assert first.status == "Completed", first
    assert sorted(lab.statuses(first.name)) == WHOLE[shape]
    assert set(lab.statuses(first.name).values()) == {"Completed"}
    assert lab.events(first.name) == ["Queued", "Running", "Finalizing", "Completed"]
    assert lab.events(first.name, "a") == ["Queued", "Preparing", "Starting", "Running", "Finalizing", "Completed"]

    again = lab.run(draw(shape, MAKE))
    assert again.status == "Completed"
    steps = lab.steps(again.name)
    assert sorted(steps) == WHOLE[shape]
    for path, before in lab.steps(first.name).items():
        if before.type != "pipeline":
            assert steps[path].reused_from == before.name
            assert steps[path].reason == f"reused from {before.name}, saves {steps[path].saved_s:.1f} s"
            assert lab.events(again.name, path) == ["Queued", "Completed"]


@every_shape
def test_failing_then_resumed(lab: Lab, shape: str, tmp_path: Path) -> None:
    switch = tmp_path / "switch"
    job = lab.run(draw(shape, f"test -e {switch} && {MAKE}", is_deterministic=False))
    assert job.status == "Failed"
    steps = lab.steps(job.name)
    bad = steps["inner.bad" if shape == "nested" else "bad"]
    assert job.error == {
        "code": "StepFailed",
        "message": "failed: inner" if shape == "nested" else "failed: bad",
        "hint": f"zaffre job stream --name {bad.name} shows why; zaffre job resume --name {job.name} runs the rest",
    }
    assert (bad.status, bad.reason) == ("Failed", "exit status 1")
    assert bad.error["code"] == "UserError"
    assert not set(AFTER_BAD[shape]) & set(steps), "what depends on a failed step never starts"
    assert steps["a"].status == "Completed"

    switch.touch()
    resumed = lab.ended(lab.ws.jobs.resume(job.name).name)
    assert resumed.status == "Completed", resumed
    after = lab.steps(resumed.name)
    assert sorted(after) == WHOLE[shape]
    assert after["a"].reused_from == steps["a"].name
    assert after["inner.bad" if shape == "nested" else "bad"].reused_from is None


@every_shape
def test_continue_on_step_failure(lab: Lab, shape: str) -> None:
    job = lab.run(draw(shape, "exit 3", settings={"continue_on_step_failure": True}))
    assert job.status == "Failed"
    states = lab.statuses(job.name)
    assert states["inner.bad" if shape == "nested" else "bad"] == "Failed"
    good = [path for path in WHOLE[shape] if path not in AFTER_BAD[shape] and "bad" not in path and path != "inner"]
    assert {path: states.get(path) for path in good} == dict.fromkeys(good, "Completed"), "independent steps go on"
    assert not set(AFTER_BAD[shape]) & set(states)


@every_shape
def test_cancelled(lab: Lab, shape: str, until: Callable[..., None]) -> None:
    path = "inner.bad" if shape == "nested" else "bad"
    job = lab.submit(draw(shape, "sleep 60"))
    until(lambda: lab.statuses(job.name).get(path) == "Running", "the step runs")
    assert lab.ws.jobs.cancel(job.name).status in ("Running", "CancelRequested", "Canceled")
    ended = lab.ended(job.name)
    assert (ended.status, ended.reason) == ("Canceled", "canceled")
    steps = lab.steps(job.name)
    assert steps[path].status == "Canceled"
    assert lab.events(job.name, path)[-2:] == ["CancelRequested", "Canceled"]
    assert {step.status for step in steps.values()} <= {"Completed", "Canceled"}
    assert lab.ws.jobs.cancel(job.name).status == "Canceled", "asking again changes nothing"


@every_shape
def test_retried(lab: Lab, shape: str, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    bad = f"echo x >> {marks}; test $(wc -l < {marks}) -ge 3 && {MAKE}"
    job = lab.run(draw(shape, bad, retry_settings={"max_retries": 2, "backoff": 0.05}))
    assert job.status == "Completed", lab.steps(job.name)
    path = "inner.bad" if shape == "nested" else "bad"
    assert marks.read_text() == "x\n" * 3
    once = ["Queued", "Preparing", "Starting", "Running", "Finalizing"]
    assert lab.events(job.name, path) == [*once * 3, "Completed"]
    assert lab.reasons(job.name, path) == [
        "attempt 1 of 2 after 0.05 s: exit status 1",
        "attempt 2 of 2 after 0.1 s: exit status 1",
    ]


@every_shape
def test_timed_out(lab: Lab, shape: str) -> None:
    job = lab.run(draw(shape, "trap 'exit 0' TERM; sleep 60 & wait", limits={"timeout": 1}))
    assert job.status == "Failed"
    bad = lab.steps(job.name)["inner.bad" if shape == "nested" else "bad"]
    assert bad.error["code"] == "Timeout"
    assert bad.reason == "ran longer than its limit of 1 s", "also when it ends with status 0 on being asked"


@every_shape
def test_a_whole_pipeline_has_a_limit(lab: Lab, shape: str) -> None:
    document = draw(shape, "sleep 60")
    document["limits"] = {"timeout": 1}
    job = lab.run(document)
    assert (job.status, job.error["code"]) == ("Failed", "Timeout")
    assert job.reason == "ran longer than its limit of 1 s"
    assert lab.statuses(job.name)["inner.bad" if shape == "nested" else "bad"] == "Canceled"
    assert job.error["hint"] == f"zaffre job resume --name {job.name} runs the rest"


def test_plain_job_in_each_behaviour(lab: Lab, until: Callable[..., None]) -> None:
    assert lab.command("true").status == "Completed"
    failed = lab.command("exit 4")
    assert (failed.status, failed.reason) == ("Failed", "exit status 4")
    late = lab.command("sleep 60", limits={"timeout": 1})
    assert (late.status, late.error["code"]) == ("Failed", "Timeout")
    running = lab.submit(command_job("sleep 60"))
    until(lambda: lab.ws.jobs.get(running.name).status == "Running")
    lab.ws.jobs.cancel(running.name)
    assert lab.ended(running.name).status == "Canceled"
    again = lab.ws.jobs.resume(failed.name)
    assert lab.ended(again.name).status == "Failed"
