"""A real server process that all attacks go against, with what an attacker has: any request, and a job's own token."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from zaffre.base.home import Home
from zaffre.sdk.connect import read

WAIT_S = 60.0
SLEEPER = "env > outputs/env.txt; touch outputs/ready; sleep 36000"


class Server:
    """One server over a home of its own. `call` sends what no client of ours would send."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.log = home.with_name("server.log")
        self.start()
        self._tokens: dict[str, tuple[str, str]] = {}

    def start(self) -> None:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("ZAFFRE_")}
        paths = os.pathsep.join(os.path.abspath(path) for path in os.environ.get("PYTHONPATH", "src").split(os.pathsep))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "zaffre", "up", "--home", str(self.home), "--port", "0"],
                env={**clean, "PYTHONPATH": paths}, cwd=self.home.parent,
                stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        address = until(lambda: read(Home(self.home)), lambda: self.process.poll() is None)
        assert address.token
        self.url, self.token = address.url, address.token
        self.http = httpx.Client(timeout=60, limits=httpx.Limits(max_keepalive_connections=0))

    def stop(self) -> None:
        self.http.close()
        self.process.terminate()
        self.process.wait(20)

    def call(self, method: str, path: str, body: Any = None, token: str | None = "", **more: Any) -> httpx.Response:
        """`token` "" is the owner's, None is none. `path` goes out as it is."""
        headers = dict(more.pop("headers", {}))
        if token is not None:
            headers["authorization"] = f"Bearer {token or self.token}"
        url = httpx.URL(self.url).copy_with(raw_path=path.encode())
        self.http.cookies.clear()
        return self.http.request(method, url, json=body, headers=headers, **more)

    def api(self, method: str, path: str, body: Any = None, token: str | None = "", **more: Any) -> httpx.Response:
        workspace = more.pop("workspace", "default")
        return self.call(method, f"/api/workspaces/{workspace}{path}", body, token, **more)

    def mlflow(self, method: str, path: str, body: Any = None, token: str | None = "", **more: Any) -> httpx.Response:
        workspace = more.pop("workspace", "default")
        return self.call(method, f"/mlflow/{workspace}/api/2.0/{path}", body, token, **more)

    def submit(self, command: str, workspace: str = "default", **fields: Any) -> str:
        spec = {"type": "command", "command": command, "environment": "azureml:python@latest", **fields}
        answer = self.api("POST", "/jobs", {"spec": spec}, workspace=workspace)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["name"])

    def status(self, job: str, workspace: str = "default") -> str:
        return str(self.api("GET", f"/jobs/{job}", workspace=workspace).json()["status"])

    def ended(self, job: str, workspace: str = "default") -> dict[str, Any]:
        done = ("Completed", "Failed", "Canceled")
        until(lambda: self.status(job, workspace) in done)
        found: dict[str, Any] = self.api("GET", f"/jobs/{job}", workspace=workspace).json()
        return found

    def artifacts(self, job: str, workspace: str = "default") -> Path:
        return Home(self.home).artifacts(workspace, job)

    def living_job(self, workspace: str = "default") -> tuple[str, str]:
        """A job that sleeps, and the token it finds in its environment. One for each workspace."""
        if workspace not in self._tokens:
            job = self.submit(SLEEPER, workspace)
            folder = self.artifacts(job, workspace) / "outputs"
            until((folder / "ready").exists)
            lines = (folder / "env.txt").read_text().splitlines()
            token = next(line.partition("=")[2] for line in lines if line.startswith("ZAFFRE_TOKEN="))
            self._tokens[workspace] = job, token
        return self._tokens[workspace]

    def forget(self) -> None:
        for workspace, (job, _) in self._tokens.items():
            self.api("POST", f"/jobs/{job}/cancel", workspace=workspace)
        for workspace, (job, _) in self._tokens.items():
            self.ended(job, workspace)


def until(look: Any, go_on: Any = lambda: True) -> Any:
    """What `look` gives as soon as it is true."""
    deadline = time.monotonic() + WAIT_S
    while not (found := look()):
        assert go_on(), "the process has ended"
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.03)
    return found


def encoded(text: str) -> str:
    return quote(text, safe="")
