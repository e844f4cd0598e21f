"""Follow the logs of a job and of those below it, line by line."""

from __future__ import annotations

import codecs
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from queue import SimpleQueue
from typing import Protocol

from zaffre.base import errors
from zaffre.wire.jobs import JobEvent, JobView

AT_ONCE = 16  # logs followed together; the others are read as soon as one ends
STARTED = frozenset({"Running", "Finalizing", "Completed", "Failed", "Canceled", "NotResponding"})
NESTED = ("pipeline", "sweep", "automl")  # these have no log of their own

Write = Callable[[str], object]


class Jobs(Protocol):
    """Where jobs are read: the collection `ws.jobs`."""

    def log(self, name: str, *, follow: bool) -> Iterator[bytes]: ...
    def events(self, name: str) -> Iterator[JobEvent]: ...


def follow(jobs: Jobs, job: JobView, write: Write, on_event: Callable[[JobEvent], object] | None = None) -> None:
    """Write the lines of a job's log until it ends; those of a step begin with its name."""
    if job.type in NESTED:
        _Followers(jobs, write, on_event).run(job.name)
    else:
        if job.reused_from:
            write(f"· reused from {job.reused_from}, whose log this is\n")
        for line in lines(jobs.log(job.name, follow=True)):
            write(line)


class _Followers:
    """Threads that copy the logs of steps. They are daemons: a caller that is interrupted need not wait for them."""

    def __init__(self, jobs: Jobs, write: Write, on_event: Callable[[JobEvent], object] | None) -> None:
        self._jobs, self._write, self._on_event = jobs, write, on_event
        self._lock = threading.Lock()
        self._steps: SimpleQueue[JobEvent | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._busy = 0
        self._failure: errors.ZaffreError | None = None

    def run(self, name: str) -> None:
        known: set[str] = set()
        for event in self._jobs.events(name):
            if self._on_event:
                with self._lock:
                    self._on_event(event)
            if event.node and event.status in STARTED and event.job not in known and _has_log(event):
                known.add(event.job)
                self._begin(event)
        for _ in self._threads:
            self._steps.put(None)
        for thread in self._threads:
            thread.join()
        if self._failure is not None:
            raise self._failure

    def _begin(self, event: JobEvent) -> None:
        with self._lock:
            self._busy += 1
            wanted = min(self._busy, AT_ONCE)
        if len(self._threads) < wanted:
            thread = threading.Thread(target=self._copy_all, name="zaffre-log", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._steps.put(event)

    def _copy_all(self) -> None:
        while (event := self._steps.get()) is not None:
            try:
                with suppress(errors.NotFound):  # cancelled before it printed anything
                    for line in lines(self._jobs.log(event.job, follow=True)):
                        with self._lock:
                            self._write(f"[{event.node}] {line}")
            except errors.ZaffreError as error:
                self._failure = error
            with self._lock:
                self._busy -= 1


def _has_log(event: JobEvent) -> bool:
    return event.type not in NESTED and event.reused_from is None


def lines(chunks: Iterator[bytes]) -> Iterator[str]:
    """Whole lines of text, each with its end; bytes that are no text are shown as the replacement character."""
    decoder, rest = codecs.getincrementaldecoder("utf-8")("replace"), ""
    for chunk in chunks:
        *whole, rest = (rest + decoder.decode(chunk)).split("\n")
        for line in whole:
            yield line + "\n"
        if len(rest) > 1 << 16:  # a line without end (a progress bar) is shown as it stands
            yield rest
            rest = ""
    if rest := rest + decoder.decode(b"", True):
        yield rest + "\n"
