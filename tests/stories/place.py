"""A home with the platform over it, embedded or as a server, and what a user does with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zaffre import Workspace
from zaffre.wire.jobs import JobView


@dataclass
class Place:
    """A home with a client. `project` is the folder that the user works in."""

    home: Path
    project: Path
    ws: Workspace

    def run(self, document: Any, **changes: Any) -> JobView:
        """The job when it has completed; what it printed is in the message when it has not."""
        job = self.ws.jobs.wait(self.ws.jobs.create_or_update(document, **changes).name, 280)
        assert job.status == "Completed", f"{job.error}\n{self.log(job.name)}"
        return job

    def into(self, workspace: str) -> Workspace:
        """Another workspace of the same platform."""
        return Workspace(self.ws.transport, workspace, content=self.home / "content")

    def log(self, name: str) -> str:
        steps = [step.name for step in self.ws.jobs.list(parent_job_name=name)] or [name]
        return "".join(b"".join(self.ws.jobs.log(step)).decode() for step in steps)

    def python(self, *packages: str) -> str:
        """The interpreter of a finished environment with these (`name-version`): as a user has them installed."""
        first, *others = [f"{package}.dist-info" for package in packages]
        for found in (self.home / "environments").glob(f"[0-9a-f]*/lib/*/site-packages/{first}"):
            if all((found.parent / other).exists() for other in others):
                return str(found.parents[3] / "bin" / "python")
        raise AssertionError(f"no environment has {packages}")


class ServerPlace(Place):
    """Beside the client: the command line and the MLflow client as programs."""

    def zaffre(self, *words: str, status: int = 0) -> str:
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("ZAFFRE_", "MLFLOW_"))}
        done = subprocess.run(
            [sys.executable, "-m", "zaffre", *words], cwd=self.project, text=True, capture_output=True, timeout=280,
            stdin=subprocess.DEVNULL, check=False,
            env={**clean, "ZAFFRE_HOME": str(self.home), "PYTHONPATH": paths()},
        )  # fmt: skip
        assert done.returncode == status, f"zaffre {' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout if status == 0 else done.stderr

    def json(self, *words: str) -> Any:
        return json.loads(self.zaffre(*words, "-o", "json"))

    def outside(self, script: Path, *words: str) -> str:
        """Run a script as somebody with nothing but the unmodified MLflow client, an address and a token."""
        uri = self.zaffre("workspace", "show", "--query", "mlflow_tracking_uri", "-o", "tsv").strip()
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.project), "PYTHONWARNINGS": "ignore",
            "MLFLOW_TRACKING_URI": uri,
            "MLFLOW_TRACKING_TOKEN": json.loads((self.home / "server.json").read_text())["token"],
            "MLFLOW_DISABLE_TELEMETRY": "true", "GIT_PYTHON_REFRESH": "quiet",
        }  # fmt: skip
        done = subprocess.run(
            [self.python("mlflow_skinny-3.4.0", "scikit_learn-1.7.2"), str(script), *words], env=environment, cwd=self.project, text=True, timeout=280,
            capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
        return done.stdout


def paths() -> str:
    return os.pathsep.join(os.path.abspath(path) for path in os.environ.get("PYTHONPATH", "src").split(os.pathsep))
