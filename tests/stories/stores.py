"""Real stores for stories: S3 by moto, Azure Blob by Azurite, a web server; and a home whose jobs may read them."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import http.server
import os
import shutil
import socket
import subprocess
import textwrap
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from zaffre import Workspace, load_job
from zaffre.wire.jobs import JobView

ACCOUNT = "devstoreaccount1"  # of the emulator; its key is public
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
PROGRAM = "ZAFFRE_TEST_AZURITE"  # names the program azurite-blob
START_S = 60


@dataclass
class Folder:
    """A home with an embedded platform over it, and the folder that the user works in."""

    home: Path
    project: Path
    ws: Workspace

    def start(self, text: str, **files: str) -> JobView:
        """A command job from YAML in the user's folder."""
        (self.project / "src").mkdir(exist_ok=True)
        for name, body in files.items():
            (self.project / "src" / f"{name}.py").write_text(textwrap.dedent(body))
        (self.project / "job.yml").write_text(f"type: command\nenvironment: azureml:minimal@latest\n{dedent(text)}")
        return self.ws.jobs.create_or_update(load_job(self.project / "job.yml"))

    def submit(self, text: str, **files: str) -> JobView:
        """The same, until it has ended."""
        return self.ws.jobs.wait(self.start(text, **files).name, 120)

    def run(self, text: str, **files: str) -> JobView:
        """The same, and it must complete."""
        job = self.submit(text, **files)
        assert job.status == "Completed", f"{job.error}\n{self.log(job)}"
        return job

    def log(self, job: JobView) -> str:
        return b"".join(self.ws.jobs.log(job.name)).decode()

    def system_log(self, job: JobView) -> str:
        """What the system said about the job, as the user downloads it."""
        self.ws.jobs.download(job.name, self.project / "logs" / job.name)
        return (self.project / "logs" / job.name / "artifacts/system_logs/zaffre.txt").read_text()


def dedent(text: str) -> str:
    return textwrap.dedent(text).lstrip("\n")


@contextlib.contextmanager
def folder(at: Path, *, own_environments: bool = False, **settings: Any) -> Iterator[Folder]:
    """Environments are built once for all stories: their names tell what is in them."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "zaffre-tests" / "environments"
    cache.mkdir(parents=True, exist_ok=True)
    home, project = at / "home", at / "project"
    home.mkdir(mode=0o700)
    project.mkdir()
    if not own_environments:
        (home / "environments").symlink_to(cache)
    with Workspace.local(home, **settings) as ws:
        yield Folder(home, project, ws)


def wait_for(condition: Any, seconds: float = START_S) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it does not start"
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@contextlib.contextmanager
def s3_server() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    address = f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    forget = urllib.request.Request(f"{address}/moto-api/reset", method="POST")  # its buckets belong to the process
    urllib.request.urlopen(forget).close()
    yield address
    urllib.request.urlopen(forget).close()
    server.stop()


def azurite_program() -> Path:
    """The emulator that ZAFFRE_TEST_AZURITE names, else one kept in the user's cache, brought there once by npm."""
    if given := os.environ.get(PROGRAM):
        return Path(given)
    place = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "zaffre-tests" / "azurite"
    program = place / "node_modules/.bin/azurite-blob"
    npm = shutil.which("npm")
    if npm and not program.exists():
        place.mkdir(parents=True, exist_ok=True)
        with open(place / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not program.exists():
                command = [npm, "install", "--prefix", str(place), "--no-audit", "--no-fund", "azurite"]
                subprocess.run(command, cwd=place, capture_output=True, timeout=300, check=False)
    if program.exists():
        return program
    reason = f"no Azurite: install npm, or name the program azurite-blob in {PROGRAM}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@contextlib.contextmanager
def azurite(at: Path) -> Iterator[str]:
    """The endpoint of an Azure Blob emulator."""
    program, port = azurite_program(), free_port()
    at.mkdir()
    words = ["--location", str(at), "--blobPort", str(port), "--silent", "--skipApiVersionCheck"]
    with open(at / "log", "wb") as log:
        server = subprocess.Popen([str(program), *words], stdout=log, stderr=log)
    try:
        wait_for(lambda: server.poll() is not None or answers(port))
        assert server.poll() is None, (at / "log").read_text()
        yield f"http://127.0.0.1:{port}/{ACCOUNT}"
    finally:
        server.terminate()
        server.wait(20)


class Files(http.server.SimpleHTTPRequestHandler):
    """A folder on the web, with ETags as real servers have them."""

    def end_headers(self) -> None:
        with contextlib.suppress(OSError):
            if self.command in ("GET", "HEAD"):
                etag = hashlib.sha256(Path(self.translate_path(self.path)).read_bytes()).hexdigest()
                self.send_header("ETag", f'"{etag}"')
        super().end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@contextlib.contextmanager
def web(at: Path) -> Iterator[str]:
    at.mkdir(exist_ok=True)
    handler = functools.partial(Files, directory=str(at))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
