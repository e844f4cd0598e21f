"""What every stage of a job is given: the batch being written, slots, timers, worker threads, the compute.

All methods but `tell` and `answer` belong to the engine's own thread. Worker threads hand their results back with
`answer`. Whatever is called on behalf of one job is guarded: an exception ends that job, not the engine, and nothing
is called any more for a job that has ended or was loaded anew.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Container
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from zaffre.core.job_state import Status
from zaffre.engine.batch import Batch
from zaffre.engine.live import Live, Tree
from zaffre.engine.slots import Slots
from zaffre.ports.compute import ComputeBackend
from zaffre.services.assets import register
from zaffre.services.context import Context
from zaffre.store import experiments, texts
from zaffre.store import jobs as store
from zaffre.store.db import DatabaseUnavailable
from zaffre.store.jobs import JobRecord

log = logging.getLogger("zaffre.engine")
WORKERS = 8  # threads that build, fetch and hash; they mostly wait for disks and networks


class Motor:
    """The engine's state and its few verbs."""

    def __init__(self, ctx: Context, compute: ComputeBackend, slots: Slots) -> None:
        self.ctx, self.compute, self.slots = ctx, compute, slots
        self.rescue: Callable[[Live, Exception], None] = _raise  # what to do with a job whose stage failed
        self.batch = Batch()
        self.trees: dict[int, Tree] = {}
        self.watched: dict[int, Live] = {}
        self.ended: list[Live] = []  # whose pipelines are to be told
        self.reaper: list[Live] = []
        self.dirty: dict[int, tuple[Live, list[str]]] = {}  # pipelines with nodes that became ready
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._inbox: deque[Callable[[], None]] = deque()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._closing = threading.Lock()
        self._closed = False
        self._poll = select.epoll()
        self._poll.register(self._wake, select.EPOLLIN)
        self._on_fd: dict[int, Callable[[], None]] = {}
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="engine")
        self.locks: dict[str, str] = {}  # environment -> hash of its list of packages, which is stored
        self._experiments: dict[int, str] = {}

    # --- time and events ---

    def tell(self, call: Callable[[], None]) -> None:
        """From any thread: do this in the engine's thread, soon."""
        with self._closing:
            if not self._closed:
                self._inbox.append(call)
                os.eventfd_write(self._wake, 1)

    def answer(self, live: Live, call: Callable[[], None]) -> None:
        """From a worker thread: what was found out about a job."""
        self.tell(lambda: self.guard(live, call))

    def guard(self, live: Live, call: Callable[[], None]) -> None:
        """Do this for the job, if it still lives; it must not take others with it."""
        if not self.holds(live):
            return
        try:
            call()
        except (store.Stale, DatabaseUnavailable):  # of the database: the whole engine waits
            raise
        except Exception as error:
            self.rescue(live, error)

    def holds(self, live: Live) -> bool:
        """Whether the job lives, and this is what is known of it now."""
        tree = self.trees.get(live.job.root_id)
        return tree is live.tree and tree.living.get(live.job.id) is live

    def work(self, live: Live, call: Callable[[], None]) -> None:
        """Do this for the job in a worker thread."""

        def guarded() -> None:
            try:
                call()
            except Exception as error:
                problem = error
                self.answer(live, lambda: self.rescue(live, problem))

        self._pool.submit(guarded)

    def chore(self, call: Callable[[], None]) -> None:
        """Housekeeping in a worker thread: its failure is no job's."""

        def guarded() -> None:
            try:
                call()
            except Exception:
                log.exception("housekeeping failed")

        self._pool.submit(guarded)

    def later(self, live: Live, seconds: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._numbers), lambda: self.guard(live, call)))

    def wait_for(self, live: Live, fd: int, call: Callable[[], None]) -> None:
        """Call once the descriptor becomes readable."""
        self._on_fd[fd] = lambda: self.guard(live, call)
        self._poll.register(fd, select.EPOLLIN | select.EPOLLONESHOT)

    def collect(self, longest_s: float) -> None:
        """Wait for something to happen, then do all that is due."""
        now = time.monotonic()
        if self._inbox:
            longest_s = 0
        elif self._timers:
            longest_s = min(longest_s, max(self._timers[0][0] - now, 0))
        for fd, _ in self._poll.poll(longest_s):
            if fd == self._wake:
                os.eventfd_read(self._wake)
            elif call := self._on_fd.pop(fd, None):
                call()
        while self._inbox:
            self._inbox.popleft()()
        while self._timers and self._timers[0][0] <= time.monotonic():
            heapq.heappop(self._timers)[2]()

    @property
    def idle(self) -> bool:
        """Whether nothing waits for the engine that it knows of."""
        return not (self._inbox or self.ended or self.dirty or self.batch.after)

    @staticmethod
    def wall() -> float:
        return time.time()

    def close(self) -> None:
        with self._closing:
            self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)
        for fd in [*self._on_fd, self._wake]:
            os.close(fd)
        self._poll.close()

    @property
    def waited(self) -> Container[int | None]:
        """The descriptors that have not become readable yet."""
        return self._on_fd

    # --- jobs ---

    def forget(self, live: Live) -> None:
        """Nothing is waited for any more."""
        self.watched.pop(live.job.id, None)
        if live.watch_fd is not None:
            self._on_fd.pop(live.watch_fd, None)
            self._poll.unregister(live.watch_fd)
            os.close(live.watch_fd)
            live.watch_fd = None

    def give_back(self, live: Live) -> None:
        """No process of the job lives: the layer of its environment may serve another."""
        if live.layer is not None:
            self.ctx.environments.give_back(live.plan["environment"], live.layer)
            live.layer = None

    def unready(self, live: Live) -> None:
        """What was made ready ahead of the turn of a job, which will not come: nothing of it was ever started."""
        if live.ready is None:
            return
        live.ready = None
        try:
            self.give_back(live)
        except Exception:  # it is removed when no job lives
            log.exception("a layer of job %s cannot be given back", live.job.name)

    def control(self, live: Live) -> Path:
        return self.ctx.home.job(live.job.workspace, live.job.name) / str(live.job.attempt)

    def enqueue(self, live: Live) -> None:
        """Put a queued step where the slots look for it; a retry waits for its moment first."""
        if live.job.not_before and (wait := live.job.not_before / 1000 - self.wall()) > 0:
            self.later(live, wait, lambda: self.slots.put(live) if live.job.status is Status.QUEUED else None)
        else:
            self.slots.put(live)

    def experiment(self, job: JobRecord) -> str:
        """The name of a job's experiment; it may be asked from worker threads."""
        if job.experiment_id not in self._experiments:
            with self.ctx.db.read() as connection:
                found = experiments.get(connection, job.workspace, job.experiment_id)
            self._experiments[job.experiment_id] = found.name
        return self._experiments[job.experiment_id]

    def remember_lock(self, live: Live, lock: tuple[str, ...]) -> None:
        """The packages of the environment are kept with the run; the list itself is stored once."""
        key = live.plan["environment"]
        if key not in self.locks:
            text = "\n".join(lock)
            self.locks[key] = texts.digest(text)

            def keep(connection: Connection) -> None:
                texts.put(self.ctx.db, connection, text)

            self.batch.writes.append((live.job, keep))
        live.job.facts = {**(live.job.facts or {}), "environment_lock": self.locks[key]}

    def register_output(self, live: Live, port: str, output: dict[str, Any], *, again: bool = False) -> None:
        """A named output becomes an asset, in the same transaction in which its job completes; `asset` names it.

        `again`: the output was made before, and is no new version where the latest one is the same.

        Raises `Conflict` when a fixed version exists with other content.
        """
        item = (live.plan.get("outputs") or {}).get(port, {})
        if not item.get("name"):
            return
        found = register.register_output(self.ctx, live.job, port, item, output, self.batch.versions, again=again)
        output["asset"] = f"{found.record.kind}:{found.record.name}:{found.record.version}"
        if found.is_new:
            self.batch.versions.append(found.record)
            self.batch.first.append((live.job, lambda connection: register.write(connection, found, output)))
            told = (found.record.workspace, found.record.kind)
            self.batch.after.append((live, lambda: self.ctx.changes.tell(*told)))

    def settle(self, live: Live) -> None:
        """Look whether a pipeline has come to its end."""
        self.dirty.setdefault(live.job.id, (live, []))

    def tree_ended(self, tree: Tree) -> None:
        self.trees.pop(tree.root.id, None)


def _raise(_live: Live, error: Exception) -> None:
    raise error
