"""A real server with the MLflow door, and real, unmodified `mlflow` clients of several releases."""

from __future__ import annotations

import dataclasses
import hmac
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from mlflow_clients import python_of
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request

from zaffre.base.errors import Unauthorized
from zaffre.base.home import Home
from zaffre.core.permissions import OWNER, Principal, Role
from zaffre.mlflow.quick import Quick
from zaffre.mlflow.routes import routes
from zaffre.plugins.content.store import FileContentStore
from zaffre.services.context import Changes, Context, Settings
from zaffre.store import resources
from zaffre.store.db import Database

SCRIPTS = Path(__file__).parent / "scripts"
PRINCIPALS = {
    "owner-token": OWNER,
    "job-token": Principal("job", Role.JOB, "default"),
    "other-token": Principal("other job", Role.JOB, "other"),
}


@dataclass
class Door:
    """A running server: `url` is the tracking URI of the workspace `default`."""

    url: str
    context: Context


@pytest.fixture
def door(database: Database, tmp_path: Path) -> Iterator[Door]:
    home = Home(tmp_path / "home")
    with database.write() as connection:
        for workspace in ("default", "other"):
            resources.put_workspace(database, connection, workspace, {})
    unused: Any = None  # environments, remote data and secrets play no part in tracking
    context = Context(
        db=database, home=home, content=FileContentStore(home.content), environments=unused, remote=unused,
        vault=unused, settings=Settings(), changes=Changes(),
    )  # fmt: skip

    def authenticate(request: Request) -> Context:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        for token, principal in PRINCIPALS.items():
            if hmac.compare_digest(given.encode(), token.encode()):
                return dataclasses.replace(context, principal=principal)
        raise Unauthorized("no valid token", hint="set MLFLOW_TRACKING_TOKEN")

    app = Starlette(routes=routes(authenticate), middleware=[Middleware(Quick, authenticate=authenticate)])
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Door(f"http://127.0.0.1:{port}/mlflow/default", context)
    server.should_exit = True
    thread.join(20)


@pytest.fixture(scope="session")
def client_python() -> Callable[[str], str]:
    """The Python of an environment with this release."""
    return python_of


@pytest.fixture
def run_script(door: Door, client_python: Callable[[str], str], tmp_path: Path) -> Callable[..., str]:
    """Run a script of scripts/ as a user would: nothing but a tracking URI and a token. Returns its output."""

    def run(script: str, release: str, *, token: str = "owner-token", **variables: str) -> str:
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(tmp_path), "MLFLOW_TRACKING_URI": door.url,
            "MLFLOW_TRACKING_TOKEN": token, "MLFLOW_DISABLE_TELEMETRY": "true", "GIT_PYTHON_REFRESH": "quiet",
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "PYTHONWARNINGS": "ignore", **variables,
        }  # fmt: skip
        name, *words = script.split()
        done = subprocess.run(
            [client_python(release), str(SCRIPTS / name), *words], env=environment, cwd=tmp_path, text=True, timeout=250,
            capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
        return done.stdout

    return run
