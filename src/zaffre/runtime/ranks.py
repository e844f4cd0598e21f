"""Run the processes of a distributed command on one machine: `python ranks.py LAYOUT`.

LAYOUT is a JSON file: {"shell": [...], "ports": 1, "grace_s": 10, "logs": FOLDER,
"ranks": [{"log": FILE, "variables": {...}, "serves": false}]}. Each rank runs `shell` with its own variables on top of
those of this program; `${PORT_n}` in a value is the n-th free port. What a rank prints goes to its file in the folder
of logs; what rank 0 prints, to our standard output as well.

The first rank that fails ends the others (SIGTERM, after `grace_s` seconds SIGKILL), and its status is ours. Ranks that
serve are ended when all others are done. Signals are passed on to every rank.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import random
import re
import selectors
import signal
import socket
import subprocess
import sys
import time
from typing import Any

PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
PORTS = range(20000, 32000)  # below the range from which Linux takes ports of outgoing connections
READ_BYTES = 1 << 16
DRAIN_READS = 32  # a pipe holds less, unless somebody still writes
PORT = re.compile(r"\$\{PORT_(\d+)\}")
LOG_BYTES = 64 << 20  # of one file; an older one is kept beside it
LAST_LINES = 20  # of the failed rank, shown to those who only see rank 0
NO_START = 126


def main(layout_file: str) -> int:
    with open(layout_file, encoding="utf-8") as file:
        layout = json.load(file)
    wake, wake_end = os.pipe()
    for end in (wake, wake_end):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wake_end, warn_on_full_buffer=False)
    for number in (*PASSED_ON, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)  # the number arrives through `wake`
    return Group(layout, wake).run()


class Group:
    """All ranks of one command, and what is known of their end."""

    def __init__(self, layout: dict[str, Any], wake: int) -> None:
        self.layout, self.wake = layout, wake
        self.ranks: list[Rank] = []
        self.failed: Rank | None = None
        self.status = 0  # of the first that failed
        self.ending = False
        self.kill_at: float | None = None  # monotonic seconds
        self.selector = selectors.DefaultSelector()
        self.selector.register(wake, selectors.EVENT_READ, None)

    def run(self) -> int:
        """The exit status of the whole."""
        ports = free_ports(self.layout["ports"])
        try:
            for number, entry in enumerate(self.layout["ranks"]):
                rank = Rank(number, entry, self.layout, ports)
                self.ranks.append(rank)
                self.selector.register(rank.pipe, selectors.EVENT_READ, rank)
        except OSError as error:
            say(f"rank {len(self.ranks)} cannot be started: {error}")
            self.status = NO_START
            self.end()
        while any(rank.lives for rank in self.ranks):
            self.turn()
        for rank in self.ranks:
            rank.drain()
        if self.failed is not None and self.failed.number != 0:
            say(f"The last lines of rank {self.failed.number}:\n{self.failed.last_lines()}")
        return self.status

    def turn(self) -> None:
        wait = None if self.kill_at is None else max(self.kill_at - time.monotonic(), 0)
        for key, _ in self.selector.select(wait):
            if key.data is not None:
                if not key.data.read():
                    self.selector.unregister(key.fileobj)
                continue
            numbers = os.read(self.wake, 4096)
            for number in numbers:
                if number != signal.SIGCHLD:
                    self.pass_on(number)
            if signal.SIGCHLD in numbers:
                self.collect()
        if self.kill_at is not None and time.monotonic() >= self.kill_at:
            self.kill_at = None
            self.send(signal.SIGKILL)

    def pass_on(self, number: int) -> None:
        self.send(number)
        if number in ENDING:
            self.ending = True
            self.kill_at = self.kill_at or time.monotonic() + self.layout["grace_s"]

    def collect(self) -> None:
        """Who has ended, and what follows from it."""
        for rank in self.ranks:
            if not rank.lives or rank.process.poll() is None:
                continue
            rank.lives = False
            code = rank.process.returncode
            code = 128 - code if code < 0 else code
            if code and not self.ending:
                self.failed = rank
                others = "" if len(self.ranks) == 1 else "; the others are ended"
                say(f"rank {rank.number} ended with exit status {code}{others}")
                self.status = code
                self.end()
            elif code and not self.status and not rank.serves:
                self.status = code
        if not self.ending and not any(rank.lives and not rank.serves for rank in self.ranks):
            self.end()

    def end(self) -> None:
        self.pass_on(signal.SIGTERM)

    def send(self, number: int) -> None:
        for rank in self.ranks:
            if rank.lives:
                with contextlib.suppress(ProcessLookupError, PermissionError):  # gone, or another user by now
                    os.killpg(rank.process.pid, number)


class Rank:
    """One process with its log."""

    def __init__(self, number: int, entry: dict[str, Any], layout: dict[str, Any], ports: list[int]) -> None:
        self.number, self.serves, self.lives = number, entry.get("serves", False), True
        variables = dict(os.environ)
        for name, value in entry["variables"].items():
            variables[name] = PORT.sub(lambda found: str(ports[int(found.group(1))]), value)
        self.path = os.path.join(layout["logs"], entry["log"])
        self.log = open_log(self.path)
        self.pipe, child_end = os.pipe()
        os.set_blocking(self.pipe, False)
        try:
            # A process group of its own: a signal reaches what its shell started as well.
            self.process = subprocess.Popen(
                layout["shell"],
                env=variables,
                stdout=child_end,
                stderr=child_end,
                preexec_fn=os.setpgrp,  # noqa: PLW1509  this program has one thread, and 3.7 knows no `process_group`
            )
        finally:
            os.close(child_end)

    def read(self) -> bool:
        """Take what is there; False at the end."""
        try:
            data = os.read(self.pipe, READ_BYTES)
        except BlockingIOError:
            return True
        if not data:
            return False
        if self.number == 0:
            write(1, data)
        write(self.log, data)
        if os.fstat(self.log).st_size > LOG_BYTES:
            os.close(self.log)
            os.replace(self.path, self.path[: -len(".txt")] + ".earlier.txt")
            self.log = open_log(self.path)
        return True

    def drain(self) -> None:
        """What was printed before the end; a process that was left behind may hold the pipe, so there is no end."""
        for _ in range(DRAIN_READS):
            if not select_now(self.pipe) or not self.read():
                break

    def last_lines(self) -> str:
        with open(self.path, "rb") as file:
            file.seek(max(0, os.path.getsize(self.path) - READ_BYTES))
            return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-LAST_LINES:])


def select_now(descriptor: int) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        return bool(selector.select(0))


def free_ports(count: int) -> list[int]:
    """Numbers of ports that nobody listens on. All are held until the last is found, so that they differ."""
    held: list[socket.socket] = []
    try:
        for candidate in random.sample(PORTS, len(PORTS)):
            if len(held) == count:
                break
            one = socket.socket()
            try:
                one.bind(("127.0.0.1", candidate))
            except OSError:
                one.close()
            else:
                held.append(one)
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


def open_log(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)


def say(text: str) -> None:
    write(1, (text + "\n").encode("utf-8", "replace"))


def write(descriptor: int, data: bytes) -> None:
    """A full disk costs lines of the log, not the job."""
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
