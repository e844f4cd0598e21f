"""What every stage of a job is given: the batch being written, slots, timers, worker threads, the compute.

All methods but `tell` belong to the engine's own thread. Worker threads hand their results back with `tell`.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import os
import select
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from zaffre.engine.batch import Batch
from zaffre.engine.live import Live, Tree
from zaffre.engine.slots import Slots
from zaffre.ports.compute import ComputeBackend
from zaffre.services.assets import register
from zaffre.services.context import Context
from zaffre.store import experiments, texts
from zaffre.store import jobs as store
from zaffre.store.jobs import JobRecord

log = logging.getLogger("zaffre.engine")
WORKERS = 8  # threads that build, fetch and hash; they mostly wait for disks and networks


class Motor:
    """The engine's state and its few verbs."""

    def __init__(self, ctx: Context, compute: ComputeBackend, slots: Slots) -> None:
        self.ctx, self.compute, self.slots = ctx, compute, slots
        self.batch = Batch()
        self.trees: dict[int, Tree] = {}
        self.watched: dict[int, Live] = {}
        self.reaper: list[Live] = []
        self.dirty: dict[int, tuple[Live, list[str]]] = {}  # pipelines with nodes that became ready
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._inbox: deque[Callable[[], None]] = deque()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._poll = select.epoll()
        self._poll.register(self._wake, select.EPOLLIN)
        self._on_fd: dict[int, Callable[[], None]] = {}
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="engine")
        self._experiments: dict[int, str] = {}

    # --- time and events ---

    def tell(self, call: Callable[[], None]) -> None:
        """From any thread: do this in the engine's thread, soon."""
        self._inbox.append(call)
        os.eventfd_write(self._wake, 1)

    def work(self, call: Callable[[], None]) -> None:
        """Do this in a worker thread."""

        def guarded() -> None:
            try:
                call()
            except Exception:
                log.exception("a worker failed")

        self._pool.submit(guarded)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._numbers), call))

    def wait_for(self, fd: int, call: Callable[[], None]) -> None:
        """Call once the descriptor becomes readable."""
        self._on_fd[fd] = call
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

    @staticmethod
    def wall() -> float:
        return time.time()

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        for fd in [*self._on_fd, self._wake]:
            os.close(fd)
        self._poll.close()

    # --- jobs ---

    def forget(self, live: Live) -> None:
        """Nothing is waited for any more."""
        self.watched.pop(live.job.id, None)
        if live.watch_fd is not None:
            self._on_fd.pop(live.watch_fd, None)
            self._poll.unregister(live.watch_fd)
            os.close(live.watch_fd)
            live.watch_fd = None

    def control(self, live: Live) -> Path:
        return self.ctx.home.job(live.job.workspace, live.job.name) / str(live.job.attempt) / "control"

    def note(self, live: Live, reason: str) -> None:
        """Progress within a status, written at once."""
        if live.job.id in live.tree.living:
            live.job.reason = reason
            with self.ctx.db.write() as connection:
                store.note(connection, live.job, reason)
            self.ctx.changes.notify(live.job.root_id)

    def experiment(self, job: JobRecord) -> str:
        """The name of a job's experiment; it may be asked from worker threads."""
        if job.experiment_id not in self._experiments:
            with self.ctx.db.read() as connection:
                found = experiments.get(connection, job.workspace, job.experiment_id)
            self._experiments[job.experiment_id] = found.name
        return self._experiments[job.experiment_id]

    def remember_lock(self, live: Live, lock: tuple[str, ...]) -> None:
        """The packages of the environment are kept with the run; the list itself is stored once."""
        text = "\n".join(lock)
        live.job.facts = {**(live.job.facts or {}), "environment_lock": texts.digest(text)}
        facts, job_id = live.job.facts, live.job.id

        def write(connection: Connection) -> None:
            texts.put(self.ctx.db, connection, text)
            store.change(connection, job_id, {"facts": facts})

        self.batch.writes.append(write)

    def register_output(self, live: Live, port: str, output: dict[str, Any]) -> str | None:
        """A named output becomes an asset, in the same transaction in which its job completes."""
        item = (live.plan.get("outputs") or {}).get(port, {})
        if not item.get("name"):
            return None
        record = register.register_output(self.ctx, live.job, port, item, output)
        if record is None:
            return f"{item['name']}:{item.get('version')}"
        self.batch.writes.append(lambda connection: register.write(connection, record))
        return f"{record.kind}:{record.name}:{record.version}"

    def child_ended(self, live: Live) -> None:
        """A node of a pipeline is over: what waited for it may be ready."""
        from zaffre.engine import pipeline

        pipeline.child_ended(self, live)

    def settle(self, live: Live) -> None:
        """Look whether a pipeline has come to its end."""
        self.dirty.setdefault(live.job.id, (live, []))

    def tree_ended(self, tree: Tree) -> None:
        self.trees.pop(tree.root.id, None)
