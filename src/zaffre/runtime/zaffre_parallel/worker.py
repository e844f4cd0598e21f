"""A process of the user's script, and the pipes to it."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time

from .log import say, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .driver import Batch, Driver

PROGRAM = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "parallel_worker.py")
READ_BYTES = 1 << 16
LOG_BYTES = 16 << 20  # of one worker's file; an older one is kept beside it
SHOWN_BYTES = 64 << 10  # of what one mini-batch prints; the rest is in the worker's file


class Worker:
    """One process of the user's script."""

    def __init__(self, number: int, driver: Driver) -> None:
        self.number, self.driver = number, driver
        self.batch: Batch | None = None
        self.why: str | None = None  # it is ended, if it is
        self.is_ready, self.lives, self.dismissed = False, True, False
        self.began = time.monotonic()
        self.rest, self.partial, self.printed = b"", b"", 0
        layout = driver.layout
        self.log_path = os.path.join(layout["logs"], f"worker_{number}.txt")
        self.log = open_log(self.log_path)
        orders_in, self.orders = os.pipe()
        self.answers, answers_out = os.pipe()
        self.output, output_in = os.pipe()
        command = [sys.executable, PROGRAM, driver.layout_file]
        variables = {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // driver.most))}
        variables.update(os.environ)
        variables.update({"AZUREML_PROCESS_NAME": f"worker_{number}", "PYTHONUNBUFFERED": "1"})
        variables.update(layout.get("variables") or {})
        self.process = subprocess.Popen(
            [*command, str(number), str(orders_in), str(answers_out)],
            stdin=subprocess.DEVNULL,
            stdout=output_in,
            stderr=output_in,
            env=variables,
            pass_fds=(orders_in, answers_out),
            preexec_fn=os.setpgrp,  # noqa: PLW1509  one thread forks, and 3.7 knows no `process_group`
        )
        for end in (orders_in, answers_out, output_in):
            os.close(end)
        os.set_blocking(self.output, False)
        os.set_blocking(self.answers, False)
        driver.selector.register(self.answers, selectors.EVENT_READ, (self, "answers"))
        driver.selector.register(self.output, selectors.EVENT_READ, (self, "output"))
        self.deadline: float | None = time.monotonic() + layout["init_timeout_s"]

    def give(self, batch: Batch) -> None:
        self.batch, self.printed = batch, 0
        limit = self.driver.layout.get("timeout_s")
        self.deadline = time.monotonic() + limit if limit else None
        try:
            with os.fdopen(os.dup(self.orders), "wb") as pipe:
                pipe.write(json.dumps(batch.order).encode() + b"\n")
        except BrokenPipeError:  # it has died meanwhile; that is noticed by its answers
            pass

    def read(self, kind: str, descriptor: int, ending: bool = False) -> bool:
        """Take what is there; False at the end."""
        try:
            data = os.read(descriptor, READ_BYTES)
        except BlockingIOError:
            return True
        except OSError:  # closed
            return False
        if kind == "output":
            self.show(data)
        else:
            *lines, self.rest = (self.rest + data).split(b"\n")
            for line in lines:
                answer = json.loads(line.decode())
                self.is_ready = self.is_ready or "ready" in answer
                self.drain()
                if not ending:
                    self.driver.answered(self, answer)
        return bool(data)

    def drain(self) -> None:
        """What was printed before an answer is shown before what follows from it."""
        for _ in range(64):
            try:
                data = os.read(self.output, READ_BYTES)
            except OSError:
                return
            if not data:
                return
            self.show(data)

    def show(self, data: bytes) -> None:
        """Into the worker's file, and the beginning of what a mini-batch prints into the log of the step."""
        write(self.log, data)
        if os.fstat(self.log).st_size > LOG_BYTES:
            os.close(self.log)
            os.replace(self.log_path, self.log_path[: -len(".txt")] + ".earlier.txt")
            self.log = open_log(self.log_path)
        if self.printed > SHOWN_BYTES:
            return
        whole, end, self.partial = (self.partial + data).rpartition(b"\n")
        if len(self.partial) > SHOWN_BYTES:
            whole, end, self.partial = self.partial, b"\n", b""
        text = whole[: SHOWN_BYTES + 1] + end
        self.printed += len(text)
        write(1, text)
        if self.printed > SHOWN_BYTES:
            self.partial = b""
            say(f"parallel: ... more of worker {self.number} is in {os.path.basename(self.log_path)}")

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def dismiss(self) -> None:
        """No more mini-batches."""
        if self.batch is not None or not self.is_ready:
            self.kill()
        elif not self.dismissed:
            self.dismissed = True
            with contextlib.suppress(OSError):
                os.write(self.orders, b"{}\n")

    def end(self) -> int:
        """Gone, with all that it has started; its exit status. May be called twice."""
        self.lives, self.deadline = False, None
        self.kill()
        status = self.process.wait()
        self.drain()
        for descriptor in (self.answers, self.output):
            with contextlib.suppress(KeyError, ValueError):
                self.driver.selector.unregister(descriptor)
        if self.log >= 0:
            for descriptor in (self.orders, self.answers, self.output, self.log):
                os.close(descriptor)
            self.log = self.orders = self.answers = self.output = -1
        return status


def open_log(path: str) -> int:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
