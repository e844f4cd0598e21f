"""`zaffre tensorboard`: the real TensorBoard on the event files of jobs, from an environment made for it."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from zaffre.base.errors import Conflict, NotFound, Unavailable
from zaffre.base.home import Home
from zaffre.core.job_state import TERMINAL
from zaffre.plugins.virtualenv.indexes import uv_variables
from zaffre.plugins.virtualenv.uv import find_uv
from zaffre.sdk.connect import connect
from zaffre.sdk.workspace import Workspace
from zaffre.services.metrics.event_files import MARK
from zaffre.wire.jobs import JobView

RELEASE = "2.21.0"
REQUIREMENTS = (f"tensorboard=={RELEASE}", "setuptools<81")  # it imports pkg_resources, which later ones lack
READY_S, END_S = 60.0, 10.0


def run(jobs: Sequence[str], *, home: str | None, workspace: str, port: int = 0) -> int:
    """Serve on loopback until Ctrl-C; the exit status of TensorBoard.

    Jobs of a server on this machine are read where they write, so that running ones are seen to grow; those of another
    one are downloaded once. Raises `NotFound` for a job, or when none has event files, `Conflict` for a port that is
    taken, `Unavailable` when TensorBoard cannot be installed or does not start.
    """
    address, transport = connect(Path(home) if home else None)
    with Workspace(transport, workspace) as ws, tempfile.TemporaryDirectory(prefix="zaffre-tensorboard-") as folder:
        without: list[JobView] = []
        for name in dict.fromkeys(jobs):
            job = ws.jobs.get(name)
            _offer(ws, address.home, job, Path(folder) / name)
            if not _has_events(Path(folder) / name):
                without.append(job)
        if without:
            _say_without(without, all_of_them=len(without) == len(set(jobs)))
        return _serve(environment(), Path(folder), port)


def environment() -> Path:
    """The Python that has TensorBoard; made once per user and release. Raises `Unavailable`."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "zaffre"
    folder = cache / f"tensorboard-{RELEASE}-py{sys.version_info.major}{sys.version_info.minor}"
    python = folder / "bin" / "python"
    cache.mkdir(parents=True, exist_ok=True)
    with open(f"{folder}.lock", "a") as lock:  # another one may be about to make it too
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            print(f"Installing TensorBoard {RELEASE} (once)", file=sys.stderr, flush=True)
            variables = {**os.environ, **uv_variables(os.environ), "UV_NO_PROGRESS": "1"}
            for words in (
                ["venv", "-q", "--clear", "--python", sys.executable, str(folder)],
                ["pip", "install", "-q", "--python", str(python), *REQUIREMENTS],
            ):
                done = subprocess.run(
                    [find_uv(), *words],
                    env=variables,
                    capture_output=True,
                    text=True,
                    check=False,
                    stdin=subprocess.DEVNULL,
                )
                if done.returncode:
                    raise Unavailable(
                        f"TensorBoard cannot be installed: {done.stderr.strip()[-1000:]}",
                        code="TensorBoardMissing",
                        hint="see whether a package index can be reached from here",
                    )
            (folder / "ready").touch()
    return python


def _offer(ws: Workspace, home: Home | None, job: JobView, place: Path) -> None:
    """The folders of a job in which event files may be, under its name: links, or copies of another machine's."""
    place.mkdir()
    name = job.reused_from or job.name
    if home is None:
        ws.jobs.download(name, place)
        return
    working = home.job(ws.name, name) / str(job.attempt) / "work" / "logs"
    artifacts = home.artifacts(ws.name, name)
    for label, folder in (("outputs", artifacts / "outputs"), ("logs", working), ("logs", artifacts / "logs")):
        if folder.is_dir() and not (place / label).exists():
            (place / label).symlink_to(folder)


def _has_events(place: Path) -> bool:
    folders = [place, *(folder.resolve() for folder in place.iterdir() if folder.is_dir())]
    return any(MARK in name for folder in folders for _, _, names in os.walk(folder) for name in names)


def _say_without(jobs: Sequence[JobView], *, all_of_them: bool) -> None:
    """A job that runs may write some yet; else there is nothing to see. Raises `NotFound`."""
    names = ", ".join(job.name for job in jobs)
    if all_of_them and all(job.status in TERMINAL for job in jobs):
        raise NotFound(
            f"{names}: no event files of TensorBoard, neither in the outputs nor in `logs`",
            code="NoEventFiles",
            hint=f"what was logged to MLflow: zaffre metrics list {jobs[0].name}",
        )
    print(f"note: no event files of TensorBoard (yet): {names}", file=sys.stderr, flush=True)


def _serve(python: Path, folder: Path, port: int) -> int:
    port = _free(port)
    url = f"http://127.0.0.1:{port}/"
    where = ["--logdir", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    command = [str(python), "-m", "tensorboard.main", *where, "--load_fast=false", "--reload_interval=5"]
    before = signal.signal(signal.SIGTERM, _interrupt)
    said = tempfile.TemporaryFile()  # noqa: SIM115  # closed below; what it prints is of use only when it fails
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
    try:
        if not _ready(url, process):
            said.seek(0)
            raise Unavailable(
                f"TensorBoard did not start: {said.read()[-1000:].decode(errors='replace')}",
                code="TensorBoardMissing",
                hint=f"remove {python.parents[1]} and try again",
            )
        print(f"TensorBoard is at {url}; stop with Ctrl-C", flush=True)
        return process.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        signal.signal(signal.SIGTERM, before)
        _end(process)
        said.close()


def _interrupt(_number: int, _frame: Any) -> None:
    raise KeyboardInterrupt


def _free(port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise Conflict(f"port {port}: {error.strerror}", code="PortTaken", hint="leave --port away") from error
        return int(probe.getsockname()[1])


def _ready(url: str, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + READY_S
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError, urllib.error.URLError), opener.open(url, timeout=5):
            return True
        time.sleep(0.1)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
