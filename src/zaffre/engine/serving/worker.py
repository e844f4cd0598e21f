"""One worker process: started through the compute backend, so that it outlives the server and can be adopted."""

from __future__ import annotations

import json
import os
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zaffre.base.ids import token
from zaffre.engine.serving import container
from zaffre.engine.serving.files import Prepared
from zaffre.ports.compute import ComputeBackend, Handle, Observation, Task, TaskState
from zaffre.runtime.zaffre_scoring import frames

SOCKETS = "s"  # the folder of sockets, below that of the gateway
HELLO_S = 2.0


@dataclass
class Worker:
    """`id` is that of its task; `path` of its socket is below the gateway's folder."""

    id: str
    path: str
    control: Path
    handle: Handle
    revision: int
    started_at: float
    hello: dict[str, Any] | None = field(default=None)
    observed: Observation | None = field(default=None)
    leaving_since: float | None = field(default=None)
    container: str | None = field(default=None)  # in which it runs; its process is what looks after that one

    @property
    def ready(self) -> bool:
        return self.hello is not None

    def told(self) -> dict[str, Any]:
        """For the file from which the next server adopts it."""
        return {
            "id": self.id, "path": self.path, "control": str(self.control), "handle": self.handle,
            "revision": self.revision, "container": self.container,
        }  # fmt: skip

    @classmethod
    def adopted(cls, told: dict[str, Any]) -> Worker:
        found = cls(told["id"], told["path"], Path(told["control"]), told["handle"], told["revision"], time.monotonic())
        found.container = told.get("container")
        return found


def start(compute: ComputeBackend, prepared: Prepared, revision: int, log: Path, serving: Path) -> Worker:
    """Raises `InvalidRequest` or `Unavailable` when it cannot be started."""
    name = token(8)
    control = prepared.folder / f"w-{name}"
    control.mkdir(mode=0o700)
    (serving / SOCKETS).mkdir(exist_ok=True, mode=0o700)
    path = f"{SOCKETS}/{name}.sock"
    config = {**prepared.config, "socket": str(serving / path), "status": str(control / "status.json")}
    boxed = container.of_worker(config, control, name) if "run" in config else None
    (control / "config.json").write_text(json.dumps(config))
    command = prepared.command + "'" + str(control / "config.json").replace("'", "'\\''") + "'"
    claim = control / "claim"
    claim.mkdir()
    task = Task(f"score-{name}", command, prepared.cwd, log, claim, prepared.env)
    handle = compute.start(task)
    return Worker(task.id, path, control, handle, revision, time.monotonic(), container=boxed)


def greet(worker: Worker, serving: Path) -> bool:
    """Whether it answers now; what it says of its model is kept. Quick when its socket is not there yet."""
    if worker.ready:
        return True
    if not (serving / worker.path).exists():
        return False
    folder = os.open(serving, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(HELLO_S)
            sock.connect(f"/proc/self/fd/{folder}/{worker.path}")
            head = _exactly(sock, frames.HEAD.size)
            length, _, kind, _ = frames.HEAD.unpack(head)
            if kind == frames.HELLO and length < 1 << 24:
                worker.hello = json.loads(_exactly(sock, length))
    except (OSError, ValueError, RecursionError):
        return False
    finally:
        os.close(folder)
    return worker.ready


def look(compute: ComputeBackend, workers: list[Worker]) -> None:
    """What became of each."""
    for worker, seen in zip(workers, compute.observe([worker.handle for worker in workers]), strict=True):
        worker.observed = seen


def runs(worker: Worker) -> bool:
    return worker.observed is None or worker.observed.state is TaskState.RUNNING


def stop(compute: ComputeBackend, worker: Worker, serving: Path, grace_s: float = 5.0) -> None:
    """It has nothing under way any more, or must end."""
    compute.stop(worker.handle, grace_s)
    (serving / worker.path).unlink(missing_ok=True)


def reason(worker: Worker) -> str:
    """Why it ended, in words for the owner of the deployment."""
    try:
        told = json.loads((worker.control / "status.json").read_text())
        return str(told["message"])
    except (OSError, ValueError, KeyError):
        pass
    seen = worker.observed
    code = seen.exit_code if seen else None
    if code == 137:
        return "the worker was killed: it took more memory than there is, or somebody ended it"
    if code is not None and code > 128:
        return f"the worker was ended by signal {code - 128}"
    if code == 0:
        return "the scoring script ended its own process"
    return f"the worker ended with status {code}" if code is not None else "the worker is gone"


def memory_mb(worker: Worker) -> float:
    """What its process tree's first process has in memory; 0 when it is gone."""
    try:
        pid = (worker.hello or {}).get("pid")
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _exactly(sock: socket.socket, size: int) -> bytes:
    content = b""
    while len(content) < size:
        piece = sock.recv(size - len(content))
        if not piece:
            raise OSError("closed")
        content += piece
    return content
