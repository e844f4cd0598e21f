"""Find the server of a home folder, or start one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from zaffre.base import errors
from zaffre.base.home import VARIABLE, Home, default_home
from zaffre.sdk.http_transport import HttpTransport
from zaffre.wire import server

START_TIMEOUT_S = 60.0  # measured: about one second; a machine that is very busy takes longer
STOP_TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Address:
    """Where a server is. `home` is its folder when it is on this machine: content then needs no HTTP."""

    url: str
    token: str | None
    home: Home | None = None
    pid: int | None = None

    def transport(self) -> HttpTransport:
        return HttpTransport(self.url, self.token)


def connect(home: Path | None = None, *, start: bool = True) -> tuple[Address, HttpTransport]:
    """The server of `ZAFFRE_URL`, else the running one of the home, else a new one in the background.

    Raises `NotFound` when none runs and none shall be started, `Unavailable` when it does not start.
    """
    if home is None and (url := os.environ.get("ZAFFRE_URL")):
        address = Address(url, os.environ.get("ZAFFRE_TOKEN"))
        return address, address.transport()
    folder = Home((home or default_home()).expanduser().absolute())
    found = running(folder)
    if found is None and start:
        launch(folder)
        found = running(folder)
    if found is None:
        raise errors.NotFound(
            f"no server runs for the home {folder.root}", code="NoServer", hint="`zaffre up` starts one"
        )
    return found


def running(home: Home) -> tuple[Address, HttpTransport] | None:
    """The server that `server.json` names, when it lives and answers."""
    address = read(home)
    if address is None or not _lives(address.pid):
        return None
    transport = address.transport()
    try:
        transport.call(server.HEALTH, server.Ask())
    except errors.ZaffreError:
        return None
    return address, transport


def read(home: Home) -> Address | None:
    """What `server.json` says, whether or not it is still true."""
    try:
        said = json.loads(home.server_file.read_text())
        return Address(str(said["url"]), str(said["token"]), home, int(said["pid"]) if said.get("pid") else None)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        raise errors.Forbidden(
            f"{home.server_file} may not be read by this user", hint=f"set {VARIABLE} to a folder of your own"
        ) from None
    except (ValueError, KeyError, TypeError):
        return None  # being written, or damaged: the server will write it again


def launch(home: Home, flags: Sequence[str] = ()) -> None:
    """Start a server in the background and wait until it answers; several callers start one together."""
    with _one_starter(home):
        if running(home):
            return
        log = home.root / "server.log"
        with open(log, "ab") as output:
            begin = output.tell()
            process = subprocess.Popen(
                [sys.executable, "-m", "zaffre", "up", "--home", str(home.root), *(flags or ("--port", "0"))],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd=home.root,
                env=_environment(),
            )
        deadline, pause = time.monotonic() + START_TIMEOUT_S, 0.02
        while not running(home):
            if process.poll() is not None or time.monotonic() > deadline:
                raise _did_not_start(home, log, begin, process.poll())
            time.sleep(pause)
            pause = min(pause * 1.2, 0.2)


def stop(home: Home) -> bool:
    """Stop the server of a home; jobs go on. False when none ran. Raises `Unavailable` when it does not end."""
    address = read(home)
    if address is None or address.pid is None or not _lives(address.pid):
        return False
    try:
        address.transport().call(server.STOP, server.Ask())
    except errors.ZaffreError:
        if running(home) is None:
            return False  # another program has this process number today
        os.kill(address.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while _lives(address.pid):
        if time.monotonic() > deadline:
            raise errors.Unavailable(
                f"the server (process {address.pid}) did not end within {STOP_TIMEOUT_S:.0f} s",
                hint=f"`kill -9 {address.pid}` ends it; jobs go on and the next server adopts them",
            )
        time.sleep(0.05)
    return True


@contextmanager
def _one_starter(home: Home) -> Iterator[None]:
    import fcntl

    try:
        home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = open(home.root / "start.lock", "a")  # noqa: SIM115
    except OSError as error:
        raise errors.Unavailable(
            f"the home folder {home.root} cannot be written: {error.strerror}",
            hint=f"set {VARIABLE} or --home to a folder you may write",
        ) from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _environment() -> dict[str, str]:
    """Ours, with paths to modules that hold in another folder too."""
    paths = os.environ.get("PYTHONPATH")
    if not paths:
        return dict(os.environ)
    return {**os.environ, "PYTHONPATH": os.pathsep.join(os.path.abspath(path) for path in paths.split(os.pathsep))}


def _lives(pid: int | None) -> bool:
    if pid is None:
        return True  # not said: the health check decides
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:  # a child of ours that ended is a zombie until it is waited for
        return os.waitpid(pid, os.WNOHANG) == (0, 0)
    except ChildProcessError:
        return True


def _did_not_start(home: Home, log: Path, begin: int, code: int | None) -> errors.Unavailable:
    with open(log, "rb") as file:
        file.seek(begin)
        said = file.read(1 << 16).decode(errors="replace").strip().splitlines()[-8:]
    what = f"ended with status {code}" if code is not None else f"did not answer within {START_TIMEOUT_S:.0f} s"
    words = "".join(f"\n    {line}" for line in said)
    return errors.Unavailable(
        f"the server {what}{':' if words else ''}{words}",
        code="ServerDidNotStart",
        hint=f"its log is {log}; `zaffre up --home {home.root}` starts it in the foreground",
    )
