"""The worker processes behind the HTTP front: started, asked, watched, started again.

A worker is `score_worker.py` with a unix socket of its own; each has one thread here, which starts it, reads its
answers and waits for its end. When the first one cannot load the model, the whole program ends: whoever runs it shall
see why.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from typing import Any

from zaffre_scoring import frames  # type: ignore[import-not-found]

PROGRAM = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "score_worker.py")
ANSWER_BYTES = 1 << 30
LATE = 3  # requests in a row that came too late: the worker hangs
BACK_OFF_S = (0.1, 1.0, 5.0, 15.0, 30.0)
CALM_S = 60.0  # that a worker ran before its end counts as the first one again
SEND_S = 30


class Refused(Exception):
    """There is no answer; what the caller is told instead."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Pending:
    """A request on its way."""

    __slots__ = ("arrived", "batch", "kind", "payload")

    def __init__(self) -> None:
        self.arrived = threading.Event()
        self.kind: int | None = None
        self.payload = b""
        self.batch = 0


class Pool:
    """`config` is what `score_worker.py` reads, without socket and status; `limits` has queue and timeout_s."""

    def __init__(
        self, config: dict[str, Any], limits: dict[str, Any], environ: dict[str, str], place: str, count: int
    ) -> None:
        self.config, self.environ, self.place = config, environ, place
        self.timeout_s, self.queue = float(limits["timeout_s"]), int(limits["queue"]) * count
        self.changed = threading.Condition()
        self.asked = 0  # requests that are waiting or being scored
        self.ending = False
        self.failed: tuple[int, str] | None = None  # exit status and cause: it never came up
        self.hello: dict[str, Any] = {}
        self.workers = [Worker(self, number) for number in range(count)]

    def start(self) -> None:
        for worker in self.workers:
            threading.Thread(target=worker.run, daemon=True).start()

    @property
    def ready(self) -> bool:
        return any(worker.ready for worker in self.workers)

    def load(self) -> tuple[int, int, int]:
        """Requests that a worker has, requests that wait for one, workers that are ready."""
        with self.changed:
            given = sum(worker.asked for worker in self.workers)
            return given, self.asked - given, sum(worker.ready for worker in self.workers)

    def ask(self, kind: int, payload: bytes) -> tuple[int, bytes, int]:
        """The frame that answers, and how many requests were scored together. Raises `Refused`.

        While no worker is ready it is waited for.
        """
        with self.changed:
            if self.asked >= self.queue:
                raise Refused(429, "TooManyRequests", "the model is busy")
            self.asked += 1
            try:
                if not self.changed.wait_for(lambda: self.ready or self.ending, self.timeout_s) or self.ending:
                    raise Refused(503, "NotRunning", "the model does not run at this moment")
            except Refused:
                self.asked -= 1
                raise
            worker = min((one for one in self.workers if one.ready), key=lambda one: (one.asked, one.numbers))
            worker.asked += 1
        try:
            return worker.ask(kind, payload, self.timeout_s)
        finally:
            with self.changed:
                self.asked -= 1
                worker.asked -= 1

    def stop(self, seconds: float) -> None:
        """End the workers; whoever is not gone in time is killed."""
        with self.changed:
            self.ending = True
            self.changed.notify_all()
        for worker in self.workers:
            worker.signal(kill=False)
        end = time.monotonic() + seconds
        for worker in self.workers:
            process = worker.process
            if process is not None:
                try:
                    process.wait(max(0.0, end - time.monotonic()))
                except subprocess.TimeoutExpired:
                    worker.signal(kill=True)
                    process.wait()


class Worker:
    """One process, and whatever follows it."""

    def __init__(self, pool: Pool, number: int) -> None:
        self.pool = pool
        self.file = os.path.join(pool.place, f"worker-{number}.json")
        self.socket = os.path.join(pool.place, f"worker-{number}.sock")
        self.status = os.path.join(pool.place, f"worker-{number}.status")
        self.process: subprocess.Popen[bytes] | None = None
        self.sock: socket.socket | None = None
        self.ready = False
        self.pending: dict[int, Pending] = {}
        self.asked = 0  # requests that wait for it
        self.numbers = 0  # that it ever got
        self.late = 0
        self.lock = threading.Lock()  # of numbers and of what is sent

    # --- asking ---

    def ask(self, kind: int, payload: bytes, timeout_s: float) -> tuple[int, bytes, int]:
        pending = Pending()
        with self.lock:
            self.numbers += 1
            number, sock = self.numbers, self.sock
            if sock is None or not self.ready:
                raise Refused(503, "NotRunning", "the model does not run at this moment")
            self.pending[number] = pending
            try:
                sock.sendall(frames.frame(number, kind, payload))
            except OSError:  # a part of it may be sent: nothing can follow
                self.pending.pop(number, None)
                self.signal(kill=True)
                raise Refused(502, "WorkerDied", "the model's process ended") from None
        if not pending.arrived.wait(timeout_s):
            self.pending.pop(number, None)
            self.late += 1
            if self.late >= LATE:
                print("a worker does not answer: it is ended", flush=True)
                self.signal(kill=True)
            raise Refused(504, "Timeout", f"the model did not answer within {timeout_s:g} s")
        if pending.kind is None:
            raise Refused(502, "WorkerDied", "the model's process ended while it scored the request")
        self.late = 0
        return pending.kind, pending.payload, pending.batch

    # --- the process ---

    def run(self) -> None:
        """Start it, read what it answers, start the next one; until the end."""
        failures = 0
        while not self.pool.ending:
            began = time.monotonic()
            try:
                self._live()
            except (OSError, ValueError) as error:
                print(f"worker: {error}", flush=True)
            served = self._over()
            if self.pool.ending:
                return
            code = self.process.returncode if self.process is not None else None
            if not served and not self.pool.hello:
                self.pool.failed = (code if code in (65, 66) else 66, self._cause(code))
                return
            failures = 0 if time.monotonic() - began > CALM_S else failures + 1
            pause = BACK_OFF_S[min(failures, len(BACK_OFF_S)) - 1] if failures else 0.0
            print(f"{self._cause(code)}; the next one starts in {pause:g} s", flush=True)
            time.sleep(pause)

    def _live(self) -> None:
        config = dict(self.pool.config, socket=self.socket, status=self.status, parent=os.getpid())
        with open(self.file, "w", encoding="utf-8") as file:
            json.dump(config, file)
        for path in (self.socket, self.status):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        self.process = subprocess.Popen([sys.executable, PROGRAM, self.file], env=self.pool.environ, cwd=config["code"])
        if self.pool.ending:
            return
        while not os.path.exists(self.socket):
            if self.process.poll() is not None:
                return
            time.sleep(0.01)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SEND_S, 0))
        sock.connect(self.socket)
        self.sock = sock
        source = sock.makefile("rb", buffering=1 << 16)
        while True:
            head = source.read(frames.HEAD.size)
            if len(head) < frames.HEAD.size:
                return
            length, number, kind, batch = frames.HEAD.unpack(head)
            if length > ANSWER_BYTES:
                raise OSError(f"a worker sent a frame of {length} bytes")
            payload = source.read(length)
            if len(payload) < length:
                return
            if kind == frames.HELLO:
                self.pool.hello = json.loads(payload)
                with self.pool.changed:
                    self.ready = True
                    self.pool.changed.notify_all()
                continue
            pending = self.pending.pop(number, None)
            if pending is not None:
                pending.kind, pending.payload, pending.batch = kind, payload, batch
                pending.arrived.set()

    def _over(self) -> bool:
        """Nobody waits for it any more; whether it had been ready."""
        with self.pool.changed:
            served, self.ready = self.ready, False
        with self.lock:
            sock, self.sock = self.sock, None
            lost, self.pending = self.pending, {}
        if sock is not None:
            sock.close()
        for pending in lost.values():
            pending.arrived.set()
        self.late = 0
        if self.process is not None:
            if not self.pool.ending:
                self.signal(kill=True)
            self.process.wait()
        return served

    def signal(self, kill: bool) -> None:
        process = self.process
        if process is not None and process.poll() is None:
            with contextlib.suppress(OSError):
                if kill:
                    process.kill()
                else:
                    process.terminate()

    def _cause(self, code: int | None) -> str:
        try:
            with open(self.status, encoding="utf-8") as file:
                return str(json.load(file)["message"])
        except (OSError, ValueError, KeyError):
            return f"the worker ended with status {code}"
