"""Parallel steps: an input cut into mini-batches, a script that runs each, and everything that goes wrong on the way."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from lab import PLAIN, Lab, pipeline_job

from zaffre.base.errors import InvalidRequest
from zaffre.wire.jobs import JobView

FOLDER, FILE = {"type": "uri_folder"}, {"type": "uri_file"}
ECHO = """
import os, sys
def init():
    print("args", sys.argv[1:])
def run(mini_batch):
    return [os.path.basename(path) + " " + open(path).read().strip() for path in mini_batch]
def shutdown():
    print("good bye")
"""


def files(folder: Path, count: int, name: str = "{:05d}.txt") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / name.format(number)).write_text(f"{number}\n")
    return folder


def parallel(tmp_path: Path, script: str, data: Path, **fields: Any) -> dict[str, Any]:
    """A parallel job of its own, whose rows go to the output `rows`."""
    code = tmp_path / "code"
    code.mkdir(exist_ok=True)
    (code / "score.py").write_text(script)
    task = {"code": str(code), "entry_script": "score.py", "environment": PLAIN, "append_row_to": "${{outputs.rows}}"}
    return {
        "type": "parallel",
        "task": {**task, **fields.pop("task", {})},
        "inputs": {"data": {"type": "uri_folder", "path": str(data)}, **fields.pop("inputs", {})},
        "outputs": {"rows": FILE, **fields.pop("outputs", {})},
        "input_data": "${{inputs.data}}",
        "mini_batch_size": "3",
        "retry_settings": {"max_retries": 0},
        "resources": {"instance_count": 2},
        "max_concurrency_per_instance": 1,
        **fields,
    }


def rows(lab: Lab, job: JobView, port: str = "rows") -> list[str]:
    return lab.output(job, port).read_text().splitlines()


def test_rows_come_out_in_the_order_of_the_input(lab: Lab, tmp_path: Path) -> None:
    data = files(tmp_path / "ünï côde", 10, "{:02d} ä.txt")
    document = parallel(
        tmp_path, ECHO, data,
        inputs={"word": "two words"},
        task={"program_arguments": "--word '${{inputs.word}}' $[[--none ${{inputs.none}}]] --error_threshold 5"
              " --resource_monitor_interva 20 --out ${{outputs.rows}}"},
    )  # fmt: skip
    job = lab.run(document)
    log = lab.text(job.name)
    assert job.status == "Completed", log
    assert job.type == "parallel"
    assert rows(lab, job) == [f"{number:02d} ä.txt {number}" for number in range(10)]
    assert "args ['--word', 'two words', '--out', " in log
    assert "4 mini-batches (10 files), 2 workers" in log or os.cpu_count() == 1
    assert "good bye" in log
    assert "parallel: 4 mini-batches done, 0 failed; 10 items done, 0 failed" in log
    again = lab.run({**document, "max_concurrency_per_instance": 2, "logging_level": "debug"})
    assert again.status == "Completed"


def test_step_of_a_pipeline_is_reused_unless_it_cuts_otherwise(quick_lab: Lab, tmp_path: Path) -> None:
    lab, data = quick_lab, files(tmp_path / "data", 6)

    def pipeline(**fields: Any) -> JobView:
        step = parallel(tmp_path, ECHO, data, **fields)
        count = {"type": "command", "command": "wc -l < ${{inputs.rows}}", "environment": PLAIN,
                 "inputs": {"rows": "${{parent.jobs.score.outputs.rows}}"}}  # fmt: skip
        return lab.run(pipeline_job({"score": step, "count": count}))

    first = lab.steps(pipeline().name)
    assert lab.text(first["count"].name).strip() == "6"
    second = lab.steps(pipeline(max_concurrency_per_instance=4, retry_settings={"timeout": 7}).name)
    assert f"reused from {first['score'].name}" in str(second["score"].reason)
    third = lab.steps(pipeline(mini_batch_size="2").name)
    assert "reused" not in str(third["score"].reason)


def test_component_with_a_script_that_writes_itself(quick_lab: Lab, tmp_path: Path) -> None:
    """None is returned: nothing failed. What is written to the place of batch scoring arrives in the output too."""
    lab, data = quick_lab, files(tmp_path / "data", 5)
    script = """
import os, argparse
from azureml_user.parallel_run import EntryScript
def init():
    global out
    parser = argparse.ArgumentParser(); parser.add_argument("--out"); out = parser.parse_args().out
    assert os.environ["AZUREML_BI_OUTPUT_PATH"] == EntryScript().output_dir != out
def run(mini_batch, context):
    open(os.path.join(out, f"part-{context.minibatch_index}"), "w").write(str(len(mini_batch)))
    os.makedirs(EntryScript().output_dir + "/in", exist_ok=True)
    open(EntryScript().output_dir + f"/in/{context.minibatch_index}", "w").write("x")
"""
    code = tmp_path / "code"
    code.mkdir()
    (code / "score.py").write_text(script)
    component = {
        "type": "parallel", "name": "write", "mini_batch_size": "2", "error_threshold": 0,
        "inputs": {"data": FOLDER}, "outputs": {"out": FOLDER}, "input_data": "${{inputs.data}}",
        "task": {"type": "run_function", "code": str(code), "entry_script": "score.py", "environment": PLAIN,
                 "program_arguments": "--out ${{outputs.out}}"},
    }  # fmt: skip
    lab.ws.components.create_or_update(component)
    step = {"type": "parallel", "component": "azureml:write@latest", "mini_batch_size": "4",
            "inputs": {"data": {"type": "uri_folder", "path": str(data)}}}  # fmt: skip
    job = lab.run(pipeline_job({"write": step}))
    made = lab.steps(job.name)["write"]
    assert job.status == "Completed", lab.text(made.name)
    out = lab.output(made, "out")
    assert {path.name: path.read_text() for path in out.glob("part-*")} == {"part-0": "4", "part-1": "1"}
    assert {path.name for path in (out / "in").iterdir()} == {"0", "1"}


@pytest.mark.parametrize(
    ("script", "fields", "status", "says"),
    [
        ("def run(b):\n    raise ValueError('bad ' + b[0][-5:])", {}, "Failed", "every mini-batch failed"),
        ("def init():\n    1/0\ndef run(b):\n    return b", {}, "Failed", "init() of the entry script failed"),
        ("import nothing_like_it", {}, "Failed", "No module named 'nothing_like_it'"),
        ("def init():\n    pass", {}, "Failed", "no function run(mini_batch)"),
        ("def run(b):\n    return 7", {}, "Failed", "run() returned int"),
        ("def run(b):\n    return 'text'", {}, "Failed", "run() returned str"),
        ("def run(b):\n    return b[:-1]", {"error_threshold": 2}, "Failed", "3 items failed, error_threshold is 2"),
        ("def run(b):\n    return b[:-1]", {"error_threshold": 3}, "Completed", "6 items done, 3 failed"),
        ("def run(b):\n    yield from b", {"error_threshold": 0}, "Completed", "9 items done, 0 failed"),
        (
            "import os\ndef run(b):\n    if '00003' in b[0]: os._exit(3)\n    return b",
            {"mini_batch_error_threshold": 1},
            "Completed",
            "mini-batch 1 failed: its process ended (exit status 3)",
        ),
        (
            "import os\ndef run(b):\n    if '00003' in b[0]: os.kill(os.getpid(), 9)\n    return b",
            {"mini_batch_error_threshold": 0},
            "Failed",
            "1 mini-batches failed, mini_batch_error_threshold is 0",
        ),
        (
            "import time\ndef run(b):\n    if '00003' in b[0]: time.sleep(60)\n    return b",
            {"retry_settings": {"timeout": 1, "max_retries": 1}},
            "Completed",
            "mini-batch 1 failed, is tried again: it took longer than 1 s",
        ),
        (
            "def run(b):\n    if '00003' in b[0]: raise OSError('x')\n    return b",
            {"task": {"program_arguments": "--allowed_failed_percent 30"}},
            "Failed",
            "1 of 3 mini-batches failed, allowed_failed_percent is 30",
        ),
        ("import os\ndef init():\n    os._exit(0)\ndef run(b):\n    return b", {}, "Failed", "does not end well"),
    ],
)  # fmt: skip
def test_trouble(quick_lab: Lab, tmp_path: Path, script: str, fields: dict[str, Any], status: str, says: str) -> None:
    job = quick_lab.run(parallel(tmp_path, script, files(tmp_path / "data", 9), **fields))
    log = quick_lab.text(job.name)
    assert says in log
    assert job.status == status, log
    if status == "Completed" and "mini-batch 1 failed" in log:
        assert [line.split("/")[-1] for line in rows(quick_lab, job)] == [f"{n:05d}.txt" for n in (0, 1, 2, 6, 7, 8)]


def test_bad_input(quick_lab: Lab, tmp_path: Path) -> None:
    lab = quick_lab
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "inner").mkdir()
    job = lab.run(parallel(tmp_path, ECHO, empty))
    assert (job.status, "the input data is empty" in lab.text(job.name)) == ("Failed", True)
    data = files(tmp_path / "data", 2)
    for wrong, says in (
        ({"input_data": "${{inputs.none}}"}, "not one of its inputs"),
        ({"task": {"append_row_to": "${{outputs.none}}"}}, "not one of its outputs"),
        ({"task": {"entry_script": None}}, "needs an entry_script"),
        ({"mini_batch_size": "${{parent.inputs.n}}"}, "is not a number"),
        ({"error_threshold": "${{parent.inputs.n}}"}, "is not a number"),
        ({"task": {"program_arguments": "--append_row_file_name ../x"}}, "no name of a file"),
    ):
        with pytest.raises(InvalidRequest, match=says):
            lab.submit(parallel(tmp_path, ECHO, data, **wrong))
    job = lab.run(parallel(tmp_path, ECHO, data, task={"program_arguments": "--x 'open"}))
    assert (job.status, "No closing quotation" in str(job.error)) == ("Failed", True)
    job = lab.run(parallel(tmp_path, ECHO, data, task={"entry_script": "other.py"}))
    assert (job.status, "no entry script other.py" in lab.text(job.name)) == ("Failed", True)
    job = lab.run(parallel(tmp_path, ECHO, data, partition_keys=["a"]))
    assert "partition_keys need a table" in lab.text(job.name)


def test_a_script_that_prints_without_end_keeps_its_results(quick_lab: Lab, tmp_path: Path) -> None:
    script = """
def run(batch):
    for number in range(2000):
        print("x" * 10_000)
    return batch
"""
    job = quick_lab.run(parallel(tmp_path, script, files(tmp_path / "data", 4), mini_batch_size="1"))
    assert (job.status, len(rows(quick_lab, job))) == ("Completed", 4)
    assert len(quick_lab.log(job.name)) < 2_000_000
    logs = quick_lab.platform.ctx.home.log("default", job.name).parent
    assert sum(path.stat().st_size for path in logs.glob("worker_*")) < 4 * 17_000_000


def test_ten_thousand_tiny_files(quick_lab: Lab, tmp_path: Path) -> None:
    data = files(tmp_path / "data", 10_000)
    job = quick_lab.run(parallel(tmp_path, ECHO, data, mini_batch_size="100"))
    assert job.status == "Completed"
    assert rows(quick_lab, job) == [f"{number:05d}.txt {number}" for number in range(10_000)]


SLOW = """
import os, time
def run(batch):
    with open(os.environ["SEEN"], "a") as file:
        file.write(os.path.basename(batch[0]) + "\\n")
    if os.path.exists(os.environ["GATE"]) and batch[0].endswith("5.txt"):
        time.sleep(600)
    return [os.path.basename(path) for path in batch]
"""


def test_finished_mini_batches_are_kept_when_a_job_is_resumed(quick_lab: Lab, tmp_path: Path) -> None:
    lab, data = quick_lab, files(tmp_path / "data", 8)
    seen, gate = tmp_path / "seen", tmp_path / "gate"
    gate.touch()
    step = parallel(tmp_path, SLOW, data, mini_batch_size="1", resources={"instance_count": 1},
                    environment_variables={"SEEN": str(seen), "GATE": str(gate)})  # fmt: skip
    job = lab.submit(pipeline_job({"score": step}))
    deadline = time.monotonic() + 30
    while not (seen.exists() and "00005.txt" in seen.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    driver = int(_driver_of(lab.steps(job.name)["score"].name))
    os.kill(driver, signal.SIGKILL)
    failed = lab.ended(job.name)
    assert failed.status == "Failed"
    gate.unlink()
    seen.unlink()
    again = lab.ended(lab.ws.jobs.resume(job.name).name)
    assert again.status == "Completed"
    made = lab.steps(again.name)["score"]
    assert rows(lab, made) == [f"{number:05d}.txt" for number in range(8)]
    assert seen.read_text().split() == ["00005.txt", "00006.txt", "00007.txt"]
    assert "5 mini-batches were finished before" in lab.text(made.name)


def _driver_of(job: str) -> str:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if b"parallel_driver.py" in line and job.encode() in line:
            return process.name
    raise AssertionError("no driver")


def test_cancel_ends_every_worker(quick_lab: Lab, tmp_path: Path) -> None:
    script = (
        "import os, time\ndef run(b):\n    open(os.environ['SEEN'], 'a').write(f'{os.getpid()} ')\n    time.sleep(99)"
    )
    seen = tmp_path / "seen"
    job = quick_lab.submit(
        parallel(tmp_path, script, files(tmp_path / "data", 6), environment_variables={"SEEN": str(seen)})
    )
    deadline = time.monotonic() + 30
    while not (seen.exists() and seen.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    quick_lab.ws.jobs.cancel(job.name)
    assert quick_lab.ended(job.name).status == "Canceled"
    assert not any(Path(f"/proc/{pid}").exists() for pid in seen.read_text().split())


def test_failed_mini_batches_are_named(quick_lab: Lab, tmp_path: Path) -> None:
    script = "def run(b):\n    if '00003' in b[0]: raise OSError('unreadable')\n    return b"
    job = quick_lab.run(parallel(tmp_path, script, files(tmp_path / "data", 9)))
    assert job.status == "Completed"
    named = quick_lab.platform.ctx.home.log("default", job.name).parent / "failed_mini_batches.jsonl"
    (line,) = named.read_text().splitlines()
    assert json.loads(line)["error"] == "OSError: unreadable"
    assert [path[-9:] for path in json.loads(line)["files"]] == ["00003.txt", "00004.txt", "00005.txt"]
