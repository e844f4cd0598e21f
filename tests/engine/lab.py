"""A whole platform in the test's own process, on SQLite and on PostgreSQL, with real processes as steps."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL

from zaffre.app.embedded import InProcess
from zaffre.app.platform import DATABASE_VARIABLE, Platform, open_platform
from zaffre.sdk.workspace import Workspace
from zaffre.services.context import Settings
from zaffre.wire.jobs import JobView, PlanView

PLAIN = {"image": "library/python:latest"}  # an environment without packages
ENDED = ("Completed", "Failed", "Canceled")


class Lab:
    """One home with its platform and a client; it can be closed and opened again."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.open()

    def open(self) -> None:
        self.platform: Platform = open_platform(self.home, Settings("http://127.0.0.1:9"))
        self.ws = Workspace(InProcess(self.platform), content=self.home / "content")

    def close(self) -> None:
        self.ws.close()

    def reopen(self) -> None:
        self.close()
        self.open()

    def submit(self, document: dict[str, Any], **changes: Any) -> JobView:
        return self.ws.jobs.create_or_update(document, **changes)

    def run(self, document: dict[str, Any], **changes: Any) -> JobView:
        return self.ended(self.submit(document, **changes).name)

    def ended(self, name: str, timeout_s: float = 60) -> JobView:
        return self.ws.jobs.wait(name, timeout_s)

    def command(self, command: str, **fields: Any) -> JobView:
        return self.run(command_job(command, **fields))

    def steps(self, name: str) -> dict[str, JobView]:
        """Every job below, by path."""
        found = {}
        for job in self.ws.jobs.list(parent_job_name=name):
            found[str(job.node)] = job
            if job.type == "pipeline":
                found |= {f"{job.node}.{path}": inner for path, inner in self.steps(job.name).items()}
        return found

    def statuses(self, name: str) -> dict[str, str]:
        return {path: job.status for path, job in self.steps(name).items()}

    def events(self, name: str, node: str | None = None) -> list[str]:
        """The statuses in order; progress within one is left out."""
        every = [event.status for event in self.ws.jobs.events(name) if event.node == node]
        return [status for status, before in zip(every, [None, *every], strict=False) if status != before]

    def reasons(self, name: str, node: str | None = None) -> list[str]:
        return [event.reason for event in self.ws.jobs.events(name) if event.node == node and event.reason]

    def log(self, name: str) -> bytes:
        return b"".join(self.ws.jobs.log(name))

    def text(self, name: str) -> str:
        return self.log(name).decode()

    def output(self, job: JobView, port: str) -> Path:
        uri = extra(job, "outputs")[port]["path"]
        return (
            self.home / "workspaces" / "default" / uri.removeprefix("azureml://datastores/").replace("/paths/", "/", 1)
        )

    def plan(self, document: dict[str, Any]) -> PlanView:
        return self.ws.jobs.plan(document)


def command_job(command: str, **fields: Any) -> dict[str, Any]:
    return {"type": "command", "command": command, "environment": PLAIN, **fields}


def pipeline_job(jobs: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"type": "pipeline", "jobs": jobs, **fields}


def step(command: str, *sources: str, out: bool = True, **fields: Any) -> dict[str, Any]:
    """A step that reads the output `out` of each source, and has one of its own."""
    inputs = {f"from_{source}": f"${{{{parent.jobs.{source}.outputs.out}}}}" for source in sources}
    made = {"outputs": {"out": {"type": "uri_folder"}}} if out else {}
    merged = {**inputs, **fields.pop("inputs", {})}
    return {**command_job(command, **fields), **({"inputs": merged} if merged else {}), **made}


def extra(job: JobView, key: str) -> Any:
    return (job.model_extra or {})[key]


def open_home(folder: Path, environments: Path) -> Lab:
    folder.mkdir()
    (folder / "environments").symlink_to(environments)
    return Lab(folder)


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Environments are built once for all tests."""
    return tmp_path_factory.mktemp("environments")


@pytest.fixture(params=["sqlite", "postgresql"])
def lab(
    request: pytest.FixtureRequest, tmp_path: Path, environments: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Lab]:
    if request.param == "postgresql":
        monkeypatch.setenv(DATABASE_VARIABLE, request.getfixturevalue("postgres_database"))
    else:
        monkeypatch.delenv(DATABASE_VARIABLE, raising=False)
    made = open_home(tmp_path / "home", environments)
    yield made
    made.close()


@pytest.fixture
def quick_lab(tmp_path: Path, environments: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """For what has nothing to do with the kind of database."""
    monkeypatch.delenv(DATABASE_VARIABLE, raising=False)
    made = open_home(tmp_path / "home", environments)
    yield made
    made.close()


@pytest.fixture
def postgres_database(postgres: URL) -> Iterator[str]:
    name = f"zaffre_{uuid.uuid4().hex}"
    _administer(postgres, f"CREATE DATABASE {name}")
    yield postgres.set(database=name).render_as_string(hide_password=False)
    _administer(postgres, f"DROP DATABASE {name} WITH (FORCE)")


def _administer(server: URL, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


@pytest.fixture
def until() -> Callable[..., None]:
    import time

    def wait(true: Callable[[], Any], what: str = "", timeout_s: float = 30) -> None:
        deadline = time.monotonic() + timeout_s
        while not true():
            assert time.monotonic() < deadline, f"never came true: {what or true}"
            time.sleep(0.01)

    return wait
