"""A job run again: with changes, and exactly as it was; and what is told of the difference."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from lab import Lab, command_job, extra, pipeline_job, step
from sqlalchemy import text

from zaffre.base.errors import Conflict, InvalidRequest, SpecError
from zaffre.plugins.virtualenv import tree
from zaffre.store import jobs, metrics
from zaffre.store.metrics import Point
from zaffre.wire.jobs import JobDiff

DRAW = "import os, random; random.seed(int(os.environ['SEED'])); print(random.random())"


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    (folder / "data").write_text("1\n2\n")
    return folder


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "src"
    folder.mkdir()
    (folder / "draw.py").write_text(DRAW)
    return folder


def again(lab: Lab, name: str, **how: Any) -> tuple[str, JobDiff]:
    made = lab.ws.jobs.rerun(name, exact=True, **how)
    assert lab.ended(made.name).status == "Completed", lab.text(made.name)
    return made.name, lab.ws.jobs.diff(made.name)


def told(differences: list[Any]) -> set[tuple[str | None, str, str]]:
    return {(item.step, item.what, item.name) for item in differences}


def test_the_document_again_with_changes(lab: Lab) -> None:
    first = lab.command("echo depth ${{inputs.depth}}", inputs={"depth": 3}, tags={"team": "a"}, display_name="mine")
    same = lab.ended(lab.ws.jobs.rerun(first.name).name)
    deeper = lab.ended(lab.ws.jobs.rerun(first.name, overrides=["inputs.depth=5", "display_name=deep"]).name)
    assert (lab.text(same.name), lab.text(deeper.name)) == ("depth 3\n", "depth 5\n")
    assert (same.display_name, deeper.display_name, deeper.tags) == ("mine", "deep", {"team": "a"})
    assert deeper.facts["rerun"] == {"of": first.name, "exact": False, "set": ["inputs.depth=5", "display_name=deep"]}
    found = lab.ws.jobs.diff(deeper.name)
    assert [(item.name, item.before, item.after) for item in found.given if item.what == "parameter"] == [
        ("depth", "3", "5")
    ]
    with pytest.raises(SpecError):
        lab.ws.jobs.rerun(first.name, overrides=["typ=pipeline"])


def test_rel_27_a_command_exactly(lab: Lab, code: Path, raw: Path) -> None:
    """Sources edited, the latest version moved on: the repetition has what the first run had."""
    lab.ws.data.create_or_update({"name": "raw", "type": "uri_folder", "path": str(raw)})
    document = {
        **command_job("python draw.py > ${{outputs.out}}/n; cat ${{inputs.raw}}/data >> ${{outputs.out}}/n"),
        "code": str(code),
        "inputs": {"raw": {"type": "uri_folder", "path": "azureml:raw@latest"}, "depth": 2},
        "outputs": {"out": {"type": "uri_folder", "name": "drawn"}},
        "environment_variables": {"SEED": "7"},
    }
    first = lab.run(document)
    (code / "draw.py").write_text("print('edited')")
    other = raw.with_name("other")
    other.mkdir()
    (other / "data").write_text("9\n")
    lab.ws.data.create_or_update({"name": "raw", "version": "2", "type": "uri_folder", "path": str(other)})
    name, found = again(lab, first.name)
    second = lab.ws.jobs.get(name)
    assert found.same
    assert not found.given
    assert not found.unknown
    assert (lab.output(second, "out") / "n").read_text() == (lab.output(first, "out") / "n").read_text()
    assert lab.output(second, "out") != lab.output(first, "out")
    assert second.facts["seeds"] == {"SEED": "7"}
    assert second.facts["code"] == first.facts["code"]
    assert "asset" not in extra(second, "outputs")["out"], "it registers nothing"
    assert [item.version for item in lab.ws.data.list("drawn")] == ["1"]
    anew = lab.ended(lab.ws.jobs.rerun(first.name).name)
    assert (lab.output(anew, "out") / "n").read_text().endswith("9\n"), "the document asks for the latest version"


def test_rel_27_data_that_changed_is_named_and_taken_only_if_allowed(lab: Lab, raw: Path) -> None:
    lab.ws.datastores.create_or_update({"name": "lake", "type": "local_folder", "path": str(raw.parent)})
    address = "azureml://datastores/lake/paths/raw/"
    lab.ws.data.create_or_update({"name": "raw", "type": "uri_folder", "path": address})
    document = command_job("cp -r ${{inputs.raw}}/. ${{outputs.out}}", outputs={"out": {"type": "uri_folder"}},
                           inputs={"raw": {"type": "uri_folder", "path": "azureml:raw:1"}})  # fmt: skip
    first = lab.run(document)
    assert first.status == "Completed", lab.text(first.name)
    (raw / "data").write_text("1\n2\n3\n")
    with pytest.raises(Conflict, match="data was changed") as refused:
        lab.ws.jobs.rerun(first.name, exact=True)
    assert refused.value.code == "DataNotAsItWas"
    assert "--changed-data" in str(refused.value.hint)
    name, found = again(lab, first.name, changed_data=True)
    assert "data was changed" in " ".join(lab.ws.jobs.get(name).facts["rerun"]["differs"])
    assert (None, "data", "raw") in told(found.given)
    assert told(found.made) == {(None, "output", "out")}
    assert found.made[0].files == ["data was changed (4 -> 6 bytes)"]
    assert not found.same
    shutil.rmtree(raw)
    with pytest.raises(Conflict, match="does not exist"):
        lab.ws.jobs.rerun(first.name, exact=True, changed_data=True)


def test_rel_27_a_pipeline_exactly_runs_what_was_reused_and_finds_what_is_not_repeatable(
    lab: Lab, tmp_path: Path
) -> None:
    kept = tmp_path / "published"
    kept.mkdir()
    lab.ws.datastores.create_or_update({"name": "shelf", "type": "local_folder", "path": str(kept)})
    fixed = "azureml://datastores/shelf/paths/result/"
    document = pipeline_job(
        {
            "steady": step("echo 1 > ${{outputs.out}}/a"),
            "random": step("cat ${{inputs.from_steady}}/a > ${{outputs.out}}/b; date +%s%N >> ${{outputs.out}}/b",
                           "steady"),
        },
        outputs={"published": {"type": "uri_folder", "path": fixed}},
    )  # fmt: skip
    document["jobs"]["random"]["outputs"]["out"] = "${{parent.outputs.published}}"
    lab.run(document)
    first = lab.run(document)
    assert all(job.reused_from for job in lab.steps(first.name).values())
    before = (kept / "result" / "b").read_text()
    name, found = again(lab, first.name)
    assert not any(job.reused_from for job in lab.steps(name).values()), "every step runs"
    assert told(found.made) == {("random", "output", "out")}
    assert [line.partition(" ")[0] for line in found.made[0].files] == ["b"]
    assert not found.given
    assert (kept / "result" / "b").read_text() == before, "what the first run published stays"


def test_a_step_exactly_on_its_stored_inputs(lab: Lab) -> None:
    document = pipeline_job({
        "one": step("echo ${{inputs.word}} > ${{outputs.out}}/w", inputs={"word": "${{parent.inputs.word}}"}),
        "inner": pipeline_job({"two": step("cat ${{inputs.x}}/w", out=False, inputs={"x": "${{parent.inputs.x}}"})},
                              inputs={"x": "${{parent.jobs.one.outputs.out}}"}),
    }, inputs={"word": "hello"})  # fmt: skip
    first = lab.run(document)
    steps = lab.steps(first.name)
    assert first.status == "Completed", steps
    name, found = again(lab, steps["inner.two"].name)
    assert lab.text(name) == "hello\n"
    assert found.same
    assert again(lab, steps["one"].name)[1].same
    assert again(lab, steps["inner"].name)[1].same
    assert lab.ended(lab.ws.jobs.rerun(name).name).status == "Completed", "the repetition of a step stands alone"
    with pytest.raises(Conflict, match="is a step") as refused:
        lab.ws.jobs.rerun(steps["one"].name)
    assert first.name in str(refused.value.hint)


def test_rel_27_an_environment_that_is_gone_is_made_again_with_its_versions(quick_lab: Lab) -> None:
    """Without an upper bound the definition would give another version: the lock binds it."""
    quick_lab.close()
    place = quick_lab.home / "environments"
    place.unlink()  # shared with other tests: this one removes environments
    place.mkdir()
    quick_lab.open()
    loose = {"name": "loose", "requirements": ["idna>=3.6"], "constraints": ["idna<3.8"]}
    show = "python -c 'import idna; print(idna.__version__)'"
    first = quick_lab.command(show, environment=loose)
    assert first.status == "Completed", quick_lab.text(first.name)
    had = quick_lab.text(first.name)
    lock = quick_lab.ws.jobs.facts(first.name).environment_lock
    with quick_lab.platform.ctx.db.write() as connection:  # as if the bound had come from the packages of that day
        connection.execute(text("UPDATE jobs SET plan = replace(plan, '[\"idna<3.8\"]', '[]')"))
    quick_lab.reopen()
    name, found = again(quick_lab, first.name)
    assert quick_lab.text(name) == had, "the environment stands: it is the one that the run had"
    for built in quick_lab.platform.ctx.environments.list():
        tree.remove(built.folder)
    name, found = again(quick_lab, first.name)
    assert quick_lab.text(name) == had
    assert found.same
    assert not [item for item in found.given if item.what == "package"]
    assert quick_lab.ws.jobs.facts(name).environment_lock == lock


def test_metrics_are_compared_with_their_distance(quick_lab: Lab) -> None:
    first = quick_lab.command("true")
    name, _ = again(quick_lab, first.name)
    db = quick_lab.platform.ctx.db
    with db.write() as connection:
        for run, values in ((first.name, {"auc": 0.75, "same": 2.0, "none": float("nan")}),
                            (name, {"auc": 0.5, "same": 2.0, "none": float("nan"), "new": 1.0})):  # fmt: skip
            id_ = jobs.get(connection, "default", run).id
            metrics.append(db, connection, [(id_, [Point(key, value, 1, 1) for key, value in values.items()])])
    found = quick_lab.ws.jobs.diff(name)
    assert [(item.name, item.before, item.after, item.delta) for item in found.made] == [
        ("auc", 0.75, 0.5, -0.25), ("new", None, 1.0, None),
    ]  # fmt: skip
    assert not found.same


def test_what_cannot_be_run_again_says_so(quick_lab: Lab) -> None:
    first = quick_lab.command("true")
    with pytest.raises(InvalidRequest, match="changes nothing"):
        quick_lab.ws.jobs.rerun(first.name, exact=True, overrides=["inputs.a=1"])
    with pytest.raises(InvalidRequest, match="only an exact"):
        quick_lab.ws.jobs.rerun(first.name, changed_data=True)
    with pytest.raises(InvalidRequest, match="repeats no other"):
        quick_lab.ws.jobs.diff(first.name)
    other = quick_lab.command("exit 3")
    found = quick_lab.ws.jobs.diff(other.name, first.name)
    assert (found.other, told(found.made)) == (first.name, {(None, "status", "status")})
    assert (None, "code", "command") in told(found.given)
