"""Follow the logs of a job and of those below it, line by line."""

from __future__ import annotations

import codecs
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from zaffre.base import errors
from zaffre.wire.jobs import JobEvent, JobView

if TYPE_CHECKING:
    from zaffre.sdk.jobs import Jobs

AT_ONCE = 16  # logs followed together; the others are read as soon as one ends
STARTED = frozenset({"Running", "Finalizing", "Completed", "Failed", "Canceled", "NotResponding"})

Write = Callable[[str], object]


def follow(jobs: Jobs, job: JobView, write: Write, on_event: Callable[[JobEvent], object] | None = None) -> None:
    """Write the lines of a job's log until it ends; those of a step begin with its name."""
    if job.type in ("pipeline", "sweep", "automl"):
        _follow_steps(jobs, job.name, write, on_event)
    else:
        for line in lines(jobs.log(job.name, follow=True)):
            write(line)


def _follow_steps(jobs: Jobs, name: str, write: Write, on_event: Callable[[JobEvent], object] | None) -> None:
    known: dict[str, Future[None]] = {}
    lock = threading.Lock()

    def copy(event: JobEvent) -> None:
        for line in lines(jobs.log(event.job, follow=True)):
            with lock:
                write(f"[{event.node}] {line}")

    with ThreadPoolExecutor(AT_ONCE, "zaffre-log") as pool:
        for event in jobs.events(name):
            if on_event:
                with lock:
                    on_event(event)
            if event.status in STARTED and event.job not in known and event.node and _has_log(event):
                known[event.job] = pool.submit(copy, event)
        for copied in known.values():
            with suppress(errors.NotFound):  # cancelled before it printed anything
                copied.result()


def _has_log(event: JobEvent) -> bool:
    return event.type not in ("pipeline", "sweep", "automl") and event.reused_from is None


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
