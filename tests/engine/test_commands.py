"""What a single command can do to its job: outputs, literals, logs, and ends of every kind."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lab import PLAIN, Lab, command_job, extra, pipeline_job

from zaffre.base.errors import Conflict, InvalidRequest, NotFound, SpecError

FOLDER, FILE = {"type": "uri_folder"}, {"type": "uri_file"}


def test_outputs_of_every_kind(lab: Lab) -> None:
    job = lab.command(
        "echo 1 > ${{outputs.folder}}/a; echo 2 > ${{outputs.file}}; echo 3 > ${{outputs.placed}}/b;"
        "echo 4 > ${{outputs.named}}/c; echo 5 > ${{outputs.model}}/d; echo 6 > outputs/e; echo 7 > logs/f;"
        "echo 8 > ${{outputs.artifacts}}/g",
        outputs={
            "folder": FOLDER,
            "file": FILE,
            "placed": {**FOLDER, "path": "azureml://datastores/workspaceblobstore/paths/mine/${{name}}/here"},
            "named": {**FOLDER, "name": "tables"},
            "model": {"type": "custom_model", "name": "forest", "version": "7"},
            "artifacts": FOLDER,
        },
    )
    assert job.status == "Completed", job
    said = extra(job, "outputs")
    assert (lab.output(job, "folder") / "a").read_text() == "1\n"
    assert lab.output(job, "file").read_text() == "2\n"
    assert said["placed"]["path"] == f"azureml://datastores/workspaceblobstore/paths/mine/{job.name}/here"
    assert (lab.output(job, "placed") / "b").read_text() == "3\n"
    assert (said["named"]["asset"], said["model"]["asset"]) == ("data:tables:1", "model:forest:7")
    assert said["folder"]["files"] == 1
    artifacts = lab.platform.ctx.home.artifacts("default", job.name)
    assert (artifacts / "outputs" / "e").read_text() == "6\n"
    assert (artifacts / "logs" / "f").read_text() == "7\n"
    assert (artifacts / "g").read_text() == "8\n"

    data = lab.ws.data.get("tables", label="latest")
    assert data.version == "1"
    used = lab.command("cat ${{inputs.x}}/c", inputs={"x": {"type": "uri_folder", "path": "azureml:tables@latest"}})
    assert lab.text(used.name) == "4\n"
    model = lab.command("cat ${{inputs.x}}/d", inputs={"x": {"type": "custom_model", "path": "azureml:forest:7"}})
    assert lab.text(model.name) == "5\n"


def test_fixed_version_with_other_content_fails_the_job_and_nothing_else(lab: Lab) -> None:
    outputs = {"model": {"type": "custom_model", "name": "m", "version": "1"}}
    assert lab.command("echo one > ${{outputs.model}}/x", outputs=outputs).status == "Completed"
    assert lab.command("echo one > ${{outputs.model}}/x", outputs=outputs).status == "Completed", "the same content"
    other = lab.command("echo two > ${{outputs.model}}/x", outputs=outputs)
    assert (other.status, other.error["code"]) == ("Failed", "VersionExists")
    assert other.reason == "output model: model m:1 exists already with other content"
    second = {"m": {**outputs["model"], "version": "2"}}
    both = pipeline_job({name: command_job(f"echo {name} > ${{{{outputs.m}}}}/x", outputs=second) for name in "ab"})
    ended = lab.run(both)
    assert ended.status == "Failed"
    assert sorted(lab.statuses(ended.name).values()) == ["Completed", "Failed"]
    assert lab.command("true").status == "Completed"


def test_steps_that_end_together_get_versions_of_their_own(lab: Lab) -> None:
    named = {"out": {"type": "uri_folder", "name": "many"}}
    job = lab.run(
        pipeline_job({f"s{n}": command_job(f"echo {n} > ${{{{outputs.out}}}}/x", outputs=named) for n in range(6)})
    )
    assert job.status == "Completed", lab.steps(job.name)
    versions = sorted(extra(step, "outputs")["out"]["asset"] for step in lab.steps(job.name).values())
    assert versions == [f"data:many:{n}" for n in range(1, 7)]


def test_literals_reach_the_command_as_azure_writes_them(quick_lab: Lab) -> None:
    component = {
        "type": "command",
        "inputs": {
            "yes": {"type": "boolean"},
            "number": {"type": "number", "default": 0.5},
            "left": {"type": "string", "optional": True},
            "text": {"type": "string"},
        },
        "command": "echo ${{inputs.yes}} ${{inputs.number}} $[[--left ${{inputs.left}}]] '${{inputs.text}}' "
        "$AZUREML_PARAMETER_yes",
        "environment": PLAIN,
    }
    job = quick_lab.run(
        pipeline_job({"a": {"type": "command", "component": component, "inputs": {"yes": False, "text": "ü 語"}}})
    )
    assert job.status == "Completed", quick_lab.steps(job.name)
    assert quick_lab.text(quick_lab.steps(job.name)["a"].name) == "False 0.5 ü 語 False\n"


def test_stdout_and_stderr_in_order(quick_lab: Lab) -> None:
    job = quick_lab.command("for i in 1 2 3 4 5; do echo out$i; echo err$i >&2; done")
    assert quick_lab.text(job.name) == "".join(f"out{i}\nerr{i}\n" for i in range(1, 6))


def test_unicode_everywhere(lab: Lab) -> None:
    word = "grün 🌱 מבחן"
    job = lab.command(
        f"echo '{word}' | tee '{word}' >&2; echo '{word}' > '${{{{outputs.out}}}}/{word}'; echo $WORT; false",
        display_name=word,
        description=word,
        tags={word: word},
        experiment_name="Größe",
        environment_variables={"WORT": word},
        outputs={"out": FOLDER},
    )
    assert (job.status, job.display_name, job.tags[word]) == ("Failed", word, word)
    assert lab.text(job.name) == f"{word}\n{word}\n"
    assert (lab.output(job, "out") / word).read_text() == f"{word}\n"


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("no-such-program --x", "exit status 127: a command was not found: see the log"),
        ("kill -9 $$", "exit status 137: killed (SIGKILL): out of memory?"),
        ("kill -TERM $$", "exit status 143: ended by SIGTERM"),
        ("cd /nowhere", "exit status 1"),
    ],
)
def test_ends_in_words(quick_lab: Lab, command: str, reason: str) -> None:
    job = quick_lab.command(command)
    assert (job.status, job.reason, job.error["code"]) == ("Failed", reason, "UserError")


@pytest.mark.parametrize(
    ("lines", "message", "hint"),
    [
        (["not exported: no converter for Odd", "part: step 2", "hint: leave it out"],
         "not exported: no converter for Odd; part: step 2", "leave it out"),
        (["not imported: no model (odd)"], "not imported: no model (odd)", "zaffre job stream --name {name}"),
        (["it is not exported: yet"], "exit status 1", "zaffre job stream --name {name}"),
    ],
)  # fmt: skip
def test_a_job_that_converts_a_model_says_why_it_could_not(
    quick_lab: Lab, lines: list[str], message: str, hint: str
) -> None:
    said = "\n".join(["Traceback: ...", *lines, ""])
    for tags, expected in (({"zaffre.export": "m:1"}, message), ({}, "exit status 1")):
        job = quick_lab.command(f"printf '{said}' >&2; exit 1", tags=tags)
        assert (job.status, job.reason) == ("Failed", expected)
        if tags:
            assert job.error["hint"] == hint.format(name=job.name)


def test_wrapper_killed_is_no_success(quick_lab: Lab) -> None:
    job = quick_lab.command("kill -9 $PPID; sleep 5")
    assert (job.status, job.error["code"]) == ("Failed", "ProcessLost")


def test_a_daemon_left_behind_does_not_hold_the_job(quick_lab: Lab) -> None:
    job = quick_lab.command("sleep 30 & echo started")
    assert job.status == "Completed"
    assert job.duration_s < 10


def test_binary_log(quick_lab: Lab) -> None:
    job = quick_lab.command("head -c 100000 /dev/urandom | tee copy; cp copy outputs/copy")
    artifacts = quick_lab.platform.ctx.home.artifacts("default", job.name)
    assert quick_lab.log(job.name) == (artifacts / "outputs" / "copy").read_bytes()
    quick_lab.ws.jobs.stream(job.name)


def test_a_flood_of_output_is_rotated_and_memory_stays(quick_lab: Lab) -> None:
    megabytes = int(os.environ.get("ZAFFRE_LOG_MB", "200"))
    before = _resident_mb()
    flood = f"yes 'a line of the log that says nothing new at all' | head -c {megabytes}M; touch outputs/said"
    job = quick_lab.submit(command_job(f"{flood}; until [ -e outputs/go ]; do sleep 0.1; done"))
    log = quick_lab.platform.ctx.home.log("default", job.name)
    outputs = log.parents[1] / "outputs"
    deadline = time.monotonic() + 120
    while not (outputs / "said").exists() or log.stat().st_blocks * 512 >= 100 * 2**20:
        assert time.monotonic() < deadline, "long logs are packed while the job runs"
        time.sleep(0.1)
    (outputs / "go").touch()
    assert quick_lab.ended(job.name).status == "Completed"
    size = sum(len(chunk) for chunk in quick_lab.ws.jobs.log(job.name))
    assert size == megabytes * 2**20, "and every byte can be read"
    assert _resident_mb() - before < 60


def _resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def test_two_of_the_same_name_at_once(lab: Lab) -> None:
    made, refused = [], []

    def create() -> None:
        try:
            made.append(lab.submit(command_job("true", name="only-one")))
        except Conflict as error:
            refused.append(error)

    threads = [threading.Thread(target=create) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(made), len(refused)) == (1, 5)
    assert {error.code for error in refused} == {"JobExists"}
    assert lab.ended("only-one").status == "Completed"


@pytest.mark.parametrize("name", ["../x", "a/b", "..", "a\0b", "x" * 300, "a\nb", "."])
def test_names_that_lead_out(quick_lab: Lab, name: str) -> None:
    with pytest.raises(InvalidRequest):
        quick_lab.submit(command_job("true", name=name))
    with pytest.raises((InvalidRequest, NotFound)):
        quick_lab.ws.jobs.get(name)


@pytest.mark.parametrize(
    "change",
    [
        {"command": "a\0b"},
        {"display_name": "a\0b"},
        {"tags": {"a": "b\0c"}},
        {"environment_variables": {"A": "b\0c"}},
        {"inputs": {"x": "b\0c"}},
        {"display_name": "a\ud800b"},
    ],
    ids=["command", "display_name", "tags", "variables", "inputs", "surrogate"],
)
def test_characters_no_database_holds(lab: Lab, change: dict[str, Any]) -> None:
    """Refused, or kept and run; never a fault of the server."""
    with contextlib.suppress(InvalidRequest):
        job = lab.submit({**command_job("true"), **change})
        assert lab.ended(job.name).status in ("Completed", "Failed")
    assert lab.command("true").status == "Completed", "the engine goes on"


def test_an_environment_that_cannot_be_built(lab: Lab) -> None:
    broken = {"image": "library/python:latest",
              "conda_file": {"dependencies": ["python", {"pip": ["no-such-package-zaffre==99.9"]}]}}  # fmt: skip
    job = lab.run(command_job("true", environment=broken))
    assert (job.status, job.error["code"]) == ("Failed", "EnvironmentBuildFailed")
    assert "no-such-package-zaffre" in job.reason
    assert "Starting" not in lab.events(job.name)


def test_what_is_wrong_is_said_before_anything_runs(quick_lab: Lab) -> None:
    folder = {"x": {"type": "uri_folder", "path": "azureml:none@latest"}}
    with pytest.raises(NotFound, match="none"):
        quick_lab.submit(command_job("true", inputs=folder))
    cycle = {
        "a": command_job("x", inputs={"i": "${{parent.jobs.b.outputs.o}}"}, outputs={"o": FOLDER}),
        "b": command_job("x", inputs={"i": "${{parent.jobs.a.outputs.o}}"}, outputs={"o": FOLDER}),
    }
    with pytest.raises(SpecError, match="a"):
        quick_lab.submit(pipeline_job(cycle))


def test_an_input_that_is_gone_fails_in_preparing(quick_lab: Lab) -> None:
    path = "azureml://datastores/workspaceblobstore/paths/nowhere/"
    job = quick_lab.command("ls ${{inputs.x}}", inputs={"x": {"type": "uri_folder", "path": path}})
    assert (job.status, job.error["code"]) == ("Failed", "DataNotFound")
    assert "nowhere" in job.reason


def test_the_process_tree_ends_with_its_job(quick_lab: Lab, until: Callable[..., None], tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    job = quick_lab.submit(command_job(f"(setsid sleep 100 & echo $! > {pids}; sleep 100) & trap '' TERM; sleep 100"))
    until(lambda: pids.exists() and pids.read_text().strip(), "the daemon is there")
    pid = int(pids.read_text())
    quick_lab.ws.jobs.cancel(job.name)
    assert quick_lab.ended(job.name, 30).status == "Canceled"
    until(lambda: not Path(f"/proc/{pid}").exists(), "the daemon is gone")


def test_output_opened_by_name_keeps_what_was_printed(lab: Lab, tmp_path: Path) -> None:
    """Scripts do it all the time; behind the name would be the log itself, which was cut to nothing."""
    said = "one\ntwo\nthree\n"
    assert lab.text(lab.command("echo one; echo two > /dev/stderr; echo three").name) == said
    code = tmp_path / "code"
    (code / "inner").mkdir(parents=True)
    (code / "inner" / "run.sh").write_text("echo one\necho two > /dev/stderr\necho three\n")
    assert lab.text(lab.command("bash inner/run.sh", code=str(code)).name) == said
    variable = {"LOG_TO": "/proc/self/fd/2"}
    assert (
        lab.text(lab.command("echo one; echo two > $LOG_TO; echo three", environment_variables=variable).name) == said
    )
