"""The server is killed while clients log, again and again: what was acknowledged is there, and nothing twice."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CLIENTS, STEPS, KILLS = 6, 120, 8
API = "/mlflow/default/api/2.0/mlflow/"
PATHS = os.pathsep.join(os.path.abspath(path) for path in os.environ.get("PYTHONPATH", "src").split(os.pathsep))


class Server:
    """One home and one port; it can be killed and started anew."""

    def __init__(self, home: Path, **env: str) -> None:
        self.home, self.env = home, env
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("ZAFFRE_")}
        with (self.home.parent / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "zaffre", "up", "--home", str(self.home), "--port", str(self.port)],
                env={**clean, "PYTHONPATH": PATHS, **self.env}, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Until it is answered, as MLflow's client does: the same request again when no answer came."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                token = json.loads((self.home / "server.json").read_text())["token"]
                with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as wire:
                    wire.request(method, API + path, None if body is None else json.dumps(body),
                                 {"Authorization": f"Bearer {token}", "Content-Type": "application/json"})  # fmt: skip
                    answer = wire.getresponse()
                    said = json.loads(answer.read())
                    if answer.status == 200:
                        return said
                    assert answer.status >= 500, said
            time.sleep(0.05)
        raise AssertionError(f"never answered: {(self.home.parent / 'log').read_text()[-3000:]}")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path / "home")
    made.start()
    yield made
    made.kill()


def _log(server: Server, run: str, number: int, done: list[int]) -> None:
    """Half of the clients log point by point, half in batches with parameters and tags."""
    for step in range(STEPS):
        point = {"key": "loss", "value": float(step), "timestamp": step, "step": step}
        if number % 2:
            server.ask("POST", "runs/log-metric", {"run_id": run, **point})
        else:
            more = [{**point, "key": f"other{n}"} for n in range(20)]
            given = [{"key": f"p{step}", "value": str(step)}]
            server.ask(
                "POST", "runs/log-batch", {"run_id": run, "metrics": [point, *more], "params": given, "tags": given}
            )
        done[number] = step + 1


@pytest.mark.slow
def test_rel_10_nothing_acknowledged_is_lost_and_nothing_is_doubled(server: Server) -> None:
    chance = random.Random(10)
    names = [server.ask("POST", "runs/create", {"experiment_id": "0"})["run"]["info"]["run_id"] for _ in range(CLIENTS)]
    done = [0] * CLIENTS
    clients = [threading.Thread(target=_log, args=(server, run, n, done)) for n, run in enumerate(names)]
    for client in clients:
        client.start()
    killed_at_work = 0
    for _ in range(KILLS):
        before = sum(done)
        while sum(done) == before and any(client.is_alive() for client in clients):
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.15))
        killed_at_work += any(client.is_alive() for client in clients)
        server.kill()
        server.start()
    for client in clients:
        client.join(200)
    assert done == [STEPS] * CLIENTS
    assert killed_at_work >= 3, "the clients were done before the server was killed"
    wanted = [(step, float(step)) for step in range(STEPS)]
    for number, run in enumerate(names):
        for key in ["loss"] if number % 2 else ["loss", "other0", "other19"]:
            found = server.ask("GET", f"metrics/get-history?run_id={run}&metric_key={key}")["metrics"]
            assert [(item["step"], item["value"]) for item in found] == wanted, (run, key)
        data = server.ask("GET", f"runs/get?run_id={run}")["run"]["data"]
        assert {item["key"]: item["value"] for item in data["metrics"]}["loss"] == STEPS - 1
        if number % 2 == 0:
            assert {item["key"]: item["value"] for item in data["params"]} == {f"p{n}": str(n) for n in range(STEPS)}
