"""What is run again and what is not: the plan says why beforehand, and then it happens so."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from lab import PLAIN, Lab, command_job, pipeline_job, step


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "src"
    folder.mkdir()
    (folder / "train.sh").write_text("# first\n# second\ncat $1/* > $2/model\n")
    (folder / "other.sh").write_text("true\n")
    return folder


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    (folder / "data").write_text("1\n")
    return folder


def chain(code: Path, *, settings: dict[str, Any] | None = None, depth: int = 3, **changes: Any) -> dict[str, Any]:
    """prepare -> train -> report, all three depending on content only."""
    train = {
        **command_job(
            "sh train.sh ${{inputs.data}} ${{outputs.out}}; echo ${{inputs.depth}} >> ${{outputs.out}}/model"
        ),
        "code": str(code),
        "inputs": {"data": "${{parent.jobs.prepare.outputs.out}}", "depth": depth},
        "outputs": {"out": {"type": "uri_folder"}},
        **changes,
    }
    prepare = step("cat ${{inputs.raw}}/* > ${{outputs.out}}/table", inputs={"raw": "${{parent.inputs.raw}}"})
    return pipeline_job(
        {
            "prepare": prepare,
            "train": train,
            "report": step("wc ${{inputs.from_train}}/* > ${{outputs.out}}/r", "train"),
        },
        inputs={"raw": {"type": "uri_folder", "path": "azureml:raw@latest"}},
        settings=settings or {},
    )


def register(lab: Lab, raw: Path) -> None:
    lab.ws.data.create_or_update({"name": "raw", "type": "uri_folder", "path": str(raw)})


def compare(lab: Lab, document: dict[str, Any]) -> dict[str, tuple[bool | None, str]]:
    """What the plan says of each step; and what happens must agree with it."""
    plan = {item.step: item for item in lab.plan(document).steps}
    job = lab.run(document)
    assert job.status == "Completed", lab.steps(job.name)
    steps = {path: item for path, item in lab.steps(job.name).items() if item.type != "pipeline"}
    assert set(plan) == set(steps)
    for path, said in plan.items():
        if said.runs is not None:
            assert said.runs == (steps[path].reused_from is None), f"{path}: {said.cause}, but {steps[path].reason}"
        if said.runs is False:
            assert steps[path].reused_from == said.reused_from
    return {path: (said.runs, said.cause) for path, said in plan.items()}


FOLLOWS = "input `from_train` comes from train, which runs: runs unless the result is the same"


def test_each_cause_by_name(lab: Lab, code: Path, raw: Path) -> None:
    register(lab, raw)
    assert compare(lab, chain(code)) == {
        "prepare": (True, "has not run before"),
        "train": (None, "input `data` comes from prepare, which runs: runs unless the result is the same"),
        "report": (None, FOLLOWS),
    }
    assert [runs for runs, _ in compare(lab, chain(code)).values()] == [False] * 3

    (code / "train.sh").write_text("# first\n# changed\ncat $1/* > $2/model\n")
    said = compare(lab, chain(code))
    assert said["prepare"][0] is False
    assert said["train"] == (True, "train.sh changed at line 2")
    assert said["report"] == (None, FOLLOWS)

    (code / "new.sh").write_text("true\n")
    assert compare(lab, chain(code))["train"] == (True, "new.sh is new")
    (code / "other.sh").unlink()
    assert compare(lab, chain(code))["train"] == (True, "other.sh is gone")
    (code / "train.sh").chmod(0o755)
    assert compare(lab, chain(code))["train"] == (True, "train.sh changed its mode")

    assert compare(lab, chain(code, depth=4))["train"] == (True, "parameter `depth`: 3 -> 4")
    assert compare(lab, chain(code, depth=3))["train"][0] is False, "an older result is known still"
    variables = {"environment_variables": {"SEED": "1"}}
    assert compare(lab, chain(code, **variables))["train"] == (True, "environment variable `SEED` is new: 1")
    variables = {"environment_variables": {"SEED": "2"}}
    assert compare(lab, chain(code, **variables))["train"] == (True, "environment variable `SEED`: 1 -> 2")
    longer = {**variables, "command": "sh train.sh ${{inputs.data}} ${{outputs.out}} --fast"}
    assert compare(lab, chain(code, **longer))["train"][1].startswith("command changed: ")

    (raw / "data").write_text("2\n")
    register(lab, raw)
    assert compare(lab, chain(code))["prepare"] == (True, "input `raw` is now version 2 (was 1)")


def test_packages_and_variables_of_the_environment(quick_lab: Lab) -> None:
    def job(environment: dict[str, Any]) -> dict[str, Any]:
        return pipeline_job({"a": command_job("true", environment=environment)})

    def conda(**more: Any) -> dict[str, Any]:
        return {**PLAIN, "conda_file": {"dependencies": ["python"], **more}}

    quick_lab.run(job(conda()))
    assert quick_lab.plan(job(conda())).reused == 1
    assert quick_lab.plan(job(conda(variables={"MODE": "fast"}))).steps[0].cause == (
        "environment variable `MODE` is new: fast"
    )
    cause = quick_lab.plan(job(conda(dependencies=["python", {"pip": ["iniconfig==2.0.0"]}]))).steps[0].cause
    assert cause == "package iniconfig ==2.0.0 is new"


def test_the_variables_of_equal_environments_are_their_own(quick_lab: Lab) -> None:
    """Two environments with the same packages are built once, but each sets its own variables."""

    def conda(word: str) -> dict[str, Any]:
        return {**PLAIN, "conda_file": {"dependencies": ["python"], "variables": {"WORD": word}}}

    job = quick_lab.run(pipeline_job({word: command_job("echo $WORD", environment=conda(word)) for word in ("a", "b")}))
    assert [quick_lab.text(item.name) for item in quick_lab.steps(job.name).values()] == ["a\n", "b\n"]


def test_early_cut_off(lab: Lab, code: Path, raw: Path) -> None:
    """A step that runs again and makes the same leaves what comes after it reused."""
    register(lab, raw)
    first = lab.run(chain(code))
    (code / "other.sh").write_text("echo changed\n")
    again = lab.run(chain(code))
    steps = lab.steps(again.name)
    assert steps["train"].reused_from is None
    assert steps["report"].reused_from == lab.steps(first.name)["report"].name


@pytest.mark.parametrize("harm", ["gone", "altered", "added"])
def test_a_result_that_was_harmed_is_a_miss_and_says_so(lab: Lab, code: Path, raw: Path, harm: str) -> None:
    register(lab, raw)
    first = lab.run(chain(code))
    train = lab.steps(first.name)["train"]
    place = lab.output(train, "out")
    if harm == "gone":
        shutil.rmtree(place)
    elif harm == "altered":
        (place / "model").write_text("something else\n")
    else:
        (place / "more").write_text("x")
    words = f"output out of {train.name} " + ("is gone" if harm == "gone" else "was altered")
    assert compare(lab, chain(code))["train"] == (True, words)

    if harm == "gone":
        shutil.rmtree(lab.output(lab.steps(lab.run(chain(code)).name)["train"], "out"))
    last = lab.run(chain(code, settings={"force_rerun": False}))
    if harm == "gone":
        again = lab.steps(last.name)["train"]
        assert again.reused_from is None
        assert again.reason.startswith("runs again: output out of ")
        assert again.reason.endswith(" is gone")
        assert lab.reasons(last.name, "train")[0] == again.reason


def test_force_rerun_and_steps_that_are_not_deterministic(lab: Lab, code: Path, raw: Path) -> None:
    register(lab, raw)
    lab.run(chain(code))
    said = compare(lab, chain(code, settings={"force_rerun": True}))
    assert said == dict.fromkeys(("prepare", "train", "report"), (True, "force_rerun is set"))
    changing = chain(code)
    changing["jobs"]["report"]["is_deterministic"] = False
    for _ in range(2):
        said = compare(lab, changing)
        assert said["train"][0] is False
        assert said["report"] == (True, "is_deterministic is false")


def test_a_nested_pipeline_is_planned_as_it_runs(lab: Lab) -> None:
    inner = pipeline_job(
        {"x": {**step("echo ${{inputs.n}} > ${{outputs.out}}/n"), "inputs": {"n": "${{parent.inputs.n}}"}}},
        inputs={"n": 1},
    )
    assert compare(lab, pipeline_job({"in": inner}))["in.x"] == (True, "has not run before")
    assert compare(lab, pipeline_job({"in": inner}))["in.x"][0] is False
    inner["inputs"]["n"] = 2
    assert compare(lab, pipeline_job({"in": inner}))["in.x"] == (True, "parameter `n`: 1 -> 2")


def test_another_path_for_an_output_is_another_step(quick_lab: Lab) -> None:
    def job(path: str) -> dict[str, Any]:
        place = f"azureml://datastores/workspaceblobstore/paths/{path}"
        made = {"out": {"type": "uri_folder", "path": place}}
        return pipeline_job({"a": command_job("echo 1 > ${{outputs.out}}/x", outputs=made)})

    quick_lab.run(job("one"))
    assert quick_lab.plan(job("one")).reused == 1
    assert quick_lab.plan(job("two")).steps[0].cause == "output `out` is declared differently"
    quick_lab.run(job("two"))
    assert (quick_lab.home / "workspaces/default/workspaceblobstore/two/x").read_text() == "1\n"


def test_a_reused_output_gets_the_name_it_is_given_now(lab: Lab) -> None:
    def job(name: str | None) -> dict[str, Any]:
        made: dict[str, Any] = {"type": "uri_folder"} | ({"name": name} if name else {})
        return pipeline_job({"a": command_job("echo 1 > ${{outputs.out}}/x", outputs={"out": made})})

    lab.run(job(None))
    for _ in range(2):
        again = lab.run(job("late"))
        assert lab.steps(again.name)["a"].reused_from
        assert [item.version for item in lab.ws.data.list("late")] == ["1"], "the same content is the same version"


def test_verify_finds_a_step_that_is_not_what_it_says(lab: Lab, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("1")
    document = pipeline_job(
        {
            "honest": step("echo 1 > ${{outputs.out}}/x"),
            "liar": step(f"cat {secret} > ${{{{outputs.out}}}}/x"),
            "after": step("cat ${{inputs.from_liar}}/x > ${{outputs.out}}/y", "liar"),
        }
    )
    first = lab.run(document)
    good = lab.run(document, verify=1.0)
    assert (good.status, good.reason) == ("Completed", "3 reused results verified")
    before = lab.steps(first.name)
    steps = lab.steps(good.name)
    assert {step.reused_from for step in steps.values()} == {None}
    assert steps["liar"].reason == f"verified: the same as {before['liar'].name} made"

    secret.write_text("2")
    assert set(lab.statuses(lab.run(document).name).values()) == {"Completed"}, "unseen without --verify"
    bad = lab.run(document, verify=1.0)
    assert (bad.status, bad.error["code"]) == ("Failed", "VerificationFailed")
    assert bad.reason == "1 of 2 verified steps made something else than before: liar (out)"
    found = lab.steps(bad.name)
    assert {path: item.status for path, item in found.items()} == dict.fromkeys(found, "Completed"), "all is done"
    assert found["liar"].reason == f"differs from what {steps['liar'].name} made: output out"
    assert found["after"].reason is None, "the result is the new one from here on"
    assert lab.run(document, verify=0.0).status == "Completed"


def test_verify_takes_a_sample(quick_lab: Lab) -> None:
    document = pipeline_job({f"s{n}": command_job(f"echo {n}") for n in range(40)})
    quick_lab.run(document)
    job = quick_lab.run(document, verify=0.25)
    run = [path for path, item in quick_lab.steps(job.name).items() if item.reused_from is None]
    assert 2 <= len(run) <= 20
    assert job.reason == f"{len(run)} reused results verified"


def test_many_files_are_looked_at_aside(quick_lab: Lab) -> None:
    """Whether a big result is still there is seen in a worker thread; the pipeline waits for that, not the engine."""
    many = step("cd ${{outputs.out}}; for i in $(seq 1 400); do echo $i > $i; done")
    document = pipeline_job({"many": many, "count": step("ls ${{inputs.from_many}} | wc -l", "many")})
    first = quick_lab.run(document)
    again = quick_lab.run(document)
    assert [item.reused_from for item in quick_lab.steps(again.name).values()] == [
        item.name for item in quick_lab.steps(first.name).values()
    ]
