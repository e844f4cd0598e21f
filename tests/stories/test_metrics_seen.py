"""A job writes event files: its metrics appear while it runs, on the command line, in the client, in TensorBoard."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from place import ServerPlace, paths

from zaffre.base.errors import NotFound

GENERATOR = Path(__file__).parents[1] / "services" / "write_events.py"
JOB = {
    "command": "python write_events.py outputs/train 60 0.2 plain & python write_events.py logs 60 0.01 plain; wait",
    "code": "src",
    "environment": {"image": "library/python:latest"},
}


@pytest.mark.slow
def test_event_files_become_metrics_while_the_job_runs(server: ServerPlace) -> None:
    (server.project / "src").mkdir()
    (server.project / "src" / GENERATOR.name).write_text(GENERATOR.read_text())
    (server.project / "job.yml").write_text(json.dumps(JOB))
    name = server.json("job", "create", "-f", "job.yml")["name"]
    during = _until(server, name)
    assert server.ws.jobs.get(name).status == "Running"
    assert during["train/loss"] < 60
    job = server.ws.jobs.wait(name, 120)
    assert job.status == "Completed", server.log(name)

    listed = server.json("metrics", "list", name)
    assert [(item["key"], item["step"]) for item in listed] == [("loss", 59), ("train/loss", 59)]
    history = server.ws.metrics.history(name, "train/loss")
    assert history.steps == list(range(60))
    assert history.values == pytest.approx([1 / (step + 1) for step in range(60)], rel=1e-6)
    found = server.ws.metrics.query([name], "loss", smooth=("ema", 0.5), buckets=10)
    assert len(found.x) <= 10
    assert found.curves[0].columns["raw_max"][0] == 1.0
    with pytest.raises(NotFound, match="no metric"):
        server.ws.metrics.history(name, "nothing")

    drawn = server.zaffre("metrics", "show", name, "--key", "loss", "--plot", "--smooth", "0.5")
    assert drawn.startswith("loss, by step\n")
    assert "60 points" in drawn
    assert any("\u2800" < char < "\u28ff" for char in drawn)
    rows = server.json("metrics", "show", name, "--key", "loss", "-r", "2")
    assert [(row["step"], row["time"]) for row in rows] == [
        (58, "2023-11-14T22:14:18.000Z"), (59, "2023-11-14T22:14:19.000Z"),
    ]  # fmt: skip
    assert "no metric `nothing`" in server.zaffre("metrics", "show", name, "--key", "nothing", "--plot", status=3)
    assert "not found" in server.zaffre("metrics", "list", "nobody", status=3)
    _tensorboard(server, name)


def _until(server: ServerPlace, name: str) -> dict[str, int]:
    """Points of each key, once there are some."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if found := {item.key: item.points for item in server.ws.metrics.list(name)}:
            return found
        time.sleep(0.1)
    raise AssertionError(server.log(name))


def _tensorboard(server: ServerPlace, name: str) -> None:
    """It serves both files, on loopback, and ends with Ctrl-C together with what it started."""
    process = subprocess.Popen(
        [sys.executable, "-m", "zaffre", "tensorboard", name, "--home", str(server.home)], cwd=server.project,
        env={**os.environ, "PYTHONPATH": paths()}, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split("is at ")[1].split(";")[0]
        tags: dict[str, object] = {}
        deadline = time.monotonic() + 60
        while len(tags) < 2 and time.monotonic() < deadline:
            with urllib.request.urlopen(f"{url}data/plugin/scalars/tags", timeout=10) as answer:
                tags = json.load(answer)
            time.sleep(0.2)
        assert set(tags) == {f"{name}/outputs/train", f"{name}/logs"}
    finally:
        os.killpg(process.pid, signal.SIGINT)
    assert process.wait(30) == 0
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
