"""The life of one container: started, asked until it is ready, passed requests, watched, ended.

CONFIG has what that of a worker has (`zaffre_scoring/worker.py`), and: `run` and `stop` (words of the engine), `pid`
(the file in which it writes the process of the container), `routes` ({scoring, readiness, liveness}: path and port),
`probes` ({readiness, liveness}: delay, period, timeout in seconds, failures), or instead of both `inside`: the socket
and the status file that a worker of ours in the container makes in a folder of this machine.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from typing import Any, NoReturn

from zaffre_scoring.worker import Server  # type: ignore[import-not-found]

from .connect import Connector
from .relay import Relay, healthy

NOT_UP, ENDED = 66, 67
LOOK_S = 0.1
WATCH_S = 2.0
STOP_S, GONE_S = 30.0, 10.0


def main(config_file: str) -> int:
    with open(config_file, encoding="utf-8") as file:
        config = json.load(file)
    life = Life(config)
    signal.signal(signal.SIGTERM, lambda _number, _frame: life.asked())
    life.begin()
    if config.get("inside"):
        life.lend(config["inside"])
    else:
        life.serve()
    return 0


class Life:
    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        self.ending = False
        self.process: subprocess.Popen[bytes] | None = None
        self.lock = threading.Lock()
        self.ender = 0  # the thread that ends it

    def begin(self) -> None:
        """Run it, and wait until it has a process."""
        self.process = subprocess.Popen(self.config["run"], stdin=subprocess.DEVNULL)
        while self.pid is None:
            if self.process.poll() is not None:
                self._ended_early()
            time.sleep(LOOK_S / 4)

    @property
    def pid(self) -> int | None:
        try:
            with open(self.config["pid"], encoding="ascii") as file:
                return int(file.read())
        except (OSError, ValueError):
            return None

    def serve(self) -> None:
        """A server of its own: passed requests once it says that it is ready."""
        pid = self.pid
        assert pid is not None
        try:
            connector = Connector(pid)
        except OSError as error:
            self._ended_early()
            self.end(NOT_UP, f"the network of the container cannot be entered: {error.strerror}")
        threading.Thread(target=self._wait, daemon=True).start()
        routes, probes = self.config["routes"], self.config["probes"]
        time.sleep(probes["readiness"]["delay"])
        said = None
        while True:
            reason = healthy(connector, routes["readiness"], probes["readiness"]["timeout"])
            if reason is None:
                break
            if reason != said:
                said = reason
                print(f"waiting for {routes['readiness']['path']}: {reason}", flush=True)
            time.sleep(LOOK_S)
        threading.Thread(target=self._probe, args=(connector,), daemon=True).start()
        _Server(self, Relay(connector, routes)).serve()

    def lend(self, inside: dict[str, str]) -> None:
        """A worker of ours in it makes the socket: its place is the one that the gateway knows."""
        threading.Thread(target=self._wait, daemon=True).start()
        place = self.config["socket"]
        try:
            while not taken(inside["socket"], place):
                time.sleep(LOOK_S / 4)
        except OSError as error:
            self.end(NOT_UP, f"the worker in the container cannot be reached: {error.strerror}")
        while os.path.lexists(place):
            time.sleep(WATCH_S)
        self.end(0)

    # --- its end ---

    def _wait(self) -> None:
        assert self.process is not None
        status = self.process.wait()
        if not self.ending:
            self._ended(status)

    def _ended_early(self) -> None:
        assert self.process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._ended(self.process.wait(1.0))

    def _ended(self, status: int) -> NoReturn:
        inside = (self.config.get("inside") or {}).get("status")
        if inside and os.path.lexists(inside):
            message = "the worker in the container ended"
            # code in the container may have made anything of it
            wrong = (OSError, ValueError, LookupError, TypeError, RecursionError)
            with contextlib.suppress(*wrong):
                message = str(json.loads(content_of(inside))["message"])
            self.end(status, message)
        if status == 125:
            self.end(NOT_UP, "the container engine could not start the container; the log of the deployment says why")
        if status in (126, 127):
            self.end(NOT_UP, "the program of the image cannot be started; the log of the deployment says why")
        if status == 137:
            self.end(ENDED, "the container was killed: it took more memory than it may, or somebody ended it")
        self.end(ENDED, f"the container ended with status {status}")

    def _probe(self, connector: Connector) -> None:
        """Ask whether it lives, for ever."""
        route, probe = self.config["routes"]["liveness"], self.config["probes"]["liveness"]
        time.sleep(probe["delay"])
        failures = 0
        while True:
            reason = healthy(connector, route, probe["timeout"])
            failures = failures + 1 if reason else 0
            if failures >= probe["failures"]:
                self.end(ENDED, f"the container does not answer {route['path']} any more ({reason})")
            time.sleep(probe["period"])

    def asked(self) -> None:
        """SIGTERM, which may come into the middle of the end."""
        if self.ender != threading.get_ident():
            self.end(0)

    def end(self, code: int, message: str | None = None) -> NoReturn:
        """Say why, end the container, go. Whoever comes second waits for the first, who ends the process."""
        if not self.lock.acquire(blocking=False):
            time.sleep(2 * STOP_S)
        self.ender, self.ending = threading.get_ident(), True
        if message is not None:
            staged = self.config["status"] + ".new"
            with open(staged, "w", encoding="utf-8") as file:
                json.dump({"code": code, "message": message[:2000]}, file)
            os.replace(staged, self.config["status"])
        sys.stdout.flush()
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                # in a session of its own, and not known as ours: it must come to its end when we are killed meanwhile
                stop = subprocess.Popen(
                    self.config["stop"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL, start_new_session=True,
                    env={name: value for name, value in os.environ.items() if not name.startswith("ZAFFRE_")},
                )  # fmt: skip
                stop.wait(STOP_S)
                self.process.wait(GONE_S)  # it clears away what it ran, and is not to be killed while it does
        os._exit(code)


def taken(made: str, place: str) -> bool:
    """Give a socket that was made in a container a second name, which code in there cannot change; False when there is
    none yet. Raises OSError for anything else: a symlink could lead to every socket of this machine."""
    staged = place + ".new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(staged)
    try:
        os.link(made, staged, follow_symlinks=False)
    except FileNotFoundError:
        return False
    if not stat.S_ISSOCK(os.lstat(staged).st_mode):
        os.unlink(staged)
        raise OSError(errno.ENOTSOCK, os.strerror(errno.ENOTSOCK), made)
    os.rename(staged, place)  # only now others see it
    return True


def content_of(path: str) -> str:
    """The beginning of a file that code in a container may have replaced. Raises OSError for what is no plain file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path)
    with open(descriptor, encoding="utf-8") as file:
        return file.read(1 << 16)


class _Server(Server):  # type: ignore[misc]
    """That of every worker; when its place is gone the container ends."""

    def __init__(self, life: Life, relay: Relay) -> None:
        super().__init__(life.config, relay, None)
        self.life = life

    def leave(self) -> None:
        self.life.end(0)
