"""A real server is killed again and again while pipelines run: nothing is lost, nothing runs twice (REL-06, REL-10).

`ZAFFRE_KILLS` (20) says how often, `ZAFFRE_KILL_SEED` (1) at which moments.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
from lab import PLAIN, command_job, pipeline_job, step

from zaffre.base.errors import ZaffreError
from zaffre.sdk.workspace import Workspace

KILLS = int(os.environ.get("ZAFFRE_KILLS", "20"))
SEED = int(os.environ.get("ZAFFRE_KILL_SEED", "1"))
LONGEST_LIFE_S = 1.5  # of a server, from the moment it answers
SETTLE_S = 120
MOST_OPEN = 8  # jobs under way: the client waits for some before it submits more

METRICS = """
import json, os, sys, time, urllib.request
base, run, token = (os.environ["MLFLOW_TRACKING_" + name] if name != "RUN" else os.environ["MLFLOW_RUN_ID"]
                    for name in ("URI", "RUN", "TOKEN"))
step = 0
end = time.monotonic() + 60
while step < 20 and time.monotonic() < end:
    body = json.dumps({"run_id": run, "key": "m", "value": step * 0.5, "timestamp": 1700000000000 + step, "step": step})
    request = urllib.request.Request(base + "/api/2.0/mlflow/runs/log-metric", body.encode(),
                                     {"Authorization": "Bearer " + token, "Content-Type": "application/json"})
    try:
        urllib.request.urlopen(request, timeout=5).read()
    except Exception as error:
        time.sleep(0.05)
        continue
    with open(sys.argv[1], "a") as acknowledged:
        acknowledged.write(f"{run} {step}\\n")
    step += 1
"""


class Server:
    """`python -m zaffre up` on one home and one port, so that jobs find it again."""

    def __init__(self, home: Path) -> None:
        self.home = home
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        (self.home / "server.json").unlink(missing_ok=True)
        clean = {key: value for key, value in os.environ.items() if not key.startswith("ZAFFRE_")}
        with (self.home / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "zaffre", "up", "--home", str(self.home), "--port", str(self.port)],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
                env={**clean, "PYTHONPATH": os.path.abspath(os.environ.get("PYTHONPATH", "src"))},
            )  # fmt: skip
        deadline = time.monotonic() + 60
        while not (self.home / "server.json").exists():
            assert self.process.poll() is None, (self.home / "server.log").read_text()[-2000:]
            assert time.monotonic() < deadline, "the server does not come up"
            time.sleep(0.01)

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def workspace(self) -> Workspace:
        said = json.loads((self.home / "server.json").read_text())
        return Workspace.connect(said["url"], said["token"])


def documents(number: int, marks: Path, acknowledged: Path, code: Path) -> list[dict[str, Any]]:
    """Pipelines of every kind; each step leaves its mark and hands on what it was given."""
    mark = f'echo "$ZAFFRE_TASK_ID" >> {marks}; : {number};'
    chain = {"s0": step(f"{mark} echo 0 > ${{{{outputs.out}}}}/x")}
    for n in range(1, 5):
        before = f"s{n - 1}"
        chain[f"s{n}"] = step(
            f"{mark} (cat ${{{{inputs.from_{before}}}}}/x; echo {n}) > ${{{{outputs.out}}}}/x", before
        )
    fan = {f"f{n}": command_job(f"{mark} : {n}; sleep 0.{n}") for n in range(6)}
    retried = f"{mark} test $(grep -c ^${{ZAFFRE_TASK_ID%-*}}- {marks}) -ge 3"
    retry = {"r": command_job(retried, retry_settings={"max_retries": 2, "backoff": 0.05})}
    metrics = {**command_job(f"{mark} python metrics.py {acknowledged}"), "code": str(code)}
    return [
        pipeline_job(chain, name=f"chain-{number}"),
        pipeline_job(fan, name=f"fan-{number}"),
        pipeline_job({**retry, "in": pipeline_job({"x": command_job(mark)})}, name=f"retry-{number}"),
        {**metrics, "name": f"metrics-{number}", "environment": PLAIN},
    ]


class Client(threading.Thread):
    """Submits without end, and remembers what was acknowledged."""

    def __init__(self, server: Server, folder: Path) -> None:
        super().__init__(name="client", daemon=True)
        self.server, self.folder = server, folder
        self.accepted: list[str] = []
        self.stopping = threading.Event()

    def run(self) -> None:
        number = 0
        while not self.stopping.is_set():
            for document in documents(
                number, self.folder / "marks", self.folder / "acknowledged", self.folder / "code"
            ):
                while not self.stopping.is_set():
                    try:
                        self.accepted.append(self.server.workspace().jobs.create_or_update(document).name)
                        break
                    except (ZaffreError, OSError, ValueError) as error:
                        if getattr(error, "code", "") == "JobExists":  # its acknowledgement was lost
                            self.accepted.append(document["name"])
                            break
                        time.sleep(0.05)
            number += 1
            while not self.stopping.wait(0.3) and self._open() > MOST_OPEN:
                pass

    def _open(self) -> int:
        """How many of the last jobs have not ended yet; all of them, while the server is away."""
        last = self.accepted[-4 * MOST_OPEN :]
        try:
            workspace = self.server.workspace()
            return sum(workspace.jobs.get(name).status != "Completed" for name in last)
        except (ZaffreError, OSError, ValueError):
            return len(last)


@pytest.mark.timeout(600 + KILLS * 20)
def test_nothing_is_lost_and_nothing_runs_twice(tmp_path: Path, environments: Path) -> None:
    home, code = tmp_path / "home", tmp_path / "code"
    home.mkdir()
    code.mkdir()
    (home / "environments").symlink_to(environments)
    (code / "metrics.py").write_text(METRICS)
    moments = random.Random(SEED)
    server = Server(home)
    server.start()
    warm = server.workspace().jobs.create_or_update(command_job("true"))  # a build would not fit into so short a life
    assert server.workspace().jobs.wait(warm.name).status == "Completed"
    client = Client(server, tmp_path)
    client.start()
    try:
        for _ in range(KILLS):
            time.sleep(moments.uniform(0, LONGEST_LIFE_S))
            server.kill()
            server.start()
        client.stopping.set()
        client.join(30)
        check(server.workspace(), client.accepted, tmp_path)
    finally:
        client.stopping.set()
        server.kill()


def check(workspace: Workspace, accepted: list[str], folder: Path) -> None:
    deadline = time.monotonic() + SETTLE_S + KILLS
    for name in accepted:
        job = workspace.jobs.wait(name, max(deadline - time.monotonic(), 1))
        assert job.status == "Completed", (name, job.reason, job.error, steps_of(workspace, name))
    tasks = (folder / "marks").read_text().split()
    assert [task for task, count in Counter(tasks).items() if count > 1] == [], "attempts that ran twice"
    runs = Counter(Counter(task.rpartition("-")[0] for task in tasks).values())
    pipelines = Counter(name.partition("-")[0] for name in accepted)
    once = pipelines["chain"] * 5 + pipelines["fan"] * 6 + pipelines["retry"] + pipelines["metrics"]
    assert runs == Counter({1: once, 3: pipelines["retry"]}), "each step once, each one with two retries three times"
    for name in accepted:
        if name.startswith("chain"):
            last = steps_of(workspace, name)["s4"]
            uri = (last.model_extra or {})["outputs"]["out"]["path"].removeprefix("azureml://datastores/")
            file = folder / "home" / "workspaces" / "default" / uri.replace("/paths/", "/", 1) / "x"
            assert file.read_text() == "0\n1\n2\n3\n4\n"
    check_metrics(workspace, [name for name in accepted if name.startswith("metrics")], folder)
    print(f"{KILLS} kills, {len(accepted)} jobs, {len(tasks)} attempts of steps")


def steps_of(workspace: Workspace, name: str) -> dict[str, Any]:
    return {str(job.node): job for job in workspace.jobs.list(parent_job_name=name)}


def check_metrics(workspace: Workspace, names: list[str], folder: Path) -> None:
    """Every acknowledged point is there, once."""
    import urllib.request

    said: dict[str, list[int]] = defaultdict(list)
    for line in (folder / "acknowledged").read_text().splitlines():
        run, number = line.split()
        said[run].append(int(number))
    at = json.loads((folder / "home" / "server.json").read_text())
    for name in names:
        url = (
            f"{at['url']}/mlflow/default/api/2.0/mlflow/metrics/get-history?run_id={name}&metric_key=m&max_results=1000"
        )
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {at['token']}"})
        with urllib.request.urlopen(request, timeout=10) as response:
            points = Counter(int(point["step"]) for point in json.load(response)["metrics"])
        assert set(said[name]) == set(range(20)), "every point was acknowledged in the end"
        assert set(points) == set(range(20)), f"{name}: acknowledged metrics are missing"
        assert set(points.values()) == {1}, f"{name}: points are there twice: {points}"
