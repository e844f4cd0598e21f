"""A deployment in the gateway: its workers, a bounded queue before them, and its counters."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

from zaffre.gateway.pending import FULL, LATE, STOPPED, Pending
from zaffre.gateway.pool import Pool
from zaffre.gateway.worker import Worker
from zaffre.runtime.zaffre_scoring.metrics import Counters

STUCK = 3  # requests in a row that came too late: the worker is said to hang


class Deployment:
    """Requests go to the worker with the fewest; when none has room they wait, first come, first served."""

    def __init__(self, deployment_id: str, name: str, pool: Pool) -> None:
        self.id, self.name, self.pool = deployment_id, name, pool
        self.header = name.encode()
        self.counters = Counters()
        self.workers: dict[str, Worker] = {}
        self.waiting: deque[Pending] = deque()
        self.hello: dict[str, Any] = {}
        self.http = False  # its script wants requests whole
        self.timeout_s, self.queue_wait_s, self.queue_size = 60.0, 60.0, 1000
        self.runs = True
        self.revision = 0
        self.alone: Worker | None = None  # the only worker: no choice is to be made

    def settle(self, settings: dict[str, Any]) -> None:
        """What the table says now. Workers that left it are kept until they have answered."""
        self.timeout_s = settings["timeout_ms"] / 1000
        self.queue_wait_s = settings["queue_wait_ms"] / 1000
        self.queue_size = settings["queue"]
        self.runs = settings["runs"]
        self.revision = settings["revision"]
        if not self.ready and settings.get("hello"):
            self.hello, self.http = settings["hello"], bool(settings["hello"].get("http"))
        listed = settings["workers"]
        for worker_id, path in listed.items():
            if worker_id not in self.workers:
                self.workers[worker_id] = Worker(self.pool, self, worker_id, path)
        for worker_id, worker in list(self.workers.items()):
            if worker_id not in listed:
                worker.draining = True
                if not worker.pending:
                    worker.close()
                    del self.workers[worker_id]
        if not self.runs:
            self._refuse()
        self.changed()

    def remove(self) -> None:
        """It is in the table no more."""
        self.runs = False
        self._refuse()
        for worker in self.workers.values():
            worker.draining = True
            worker.close()
        self.workers.clear()

    def _refuse(self) -> None:
        while self.waiting:
            pending = self.waiting.popleft()
            if not pending.over:
                pending.done(pending, STOPPED, b"", 0)

    def changed(self) -> None:
        ready = [worker for worker in self.workers.values() if worker.ready and not worker.draining]
        self.alone = ready[0] if len(ready) == 1 else None
        if ready:
            self.hello = ready[-1].hello
            self.http = bool(self.hello.get("http"))
        self.feed()

    @property
    def ready(self) -> int:
        return sum(worker.ready and not worker.draining for worker in self.workers.values())

    @property
    def in_flight(self) -> int:
        return sum(len(worker.pending) for worker in self.workers.values())

    # --- requests ---

    def ask(self, pending: Pending) -> None:
        """Send it, let it wait, or say at once that there is no room."""
        if not self.waiting:
            worker = self.alone or self._least()
            if worker is not None and worker.room:
                worker.send(pending)
                return
        if not self.runs:
            pending.done(pending, STOPPED, b"", 0)
        elif len(self.waiting) >= self.queue_size:
            self.counters.rejected += 1
            pending.done(pending, FULL, b"", 0)
        else:
            self.waiting.append(pending)
            if not self.ready:
                self.pool.tell({"wake": self.id})

    def spare(self) -> Worker | None:
        """For a copy of a request: a worker with nothing else to do than this."""
        worker = self._least()
        return worker if worker is not None and worker.room and not self.waiting else None

    def feed(self) -> None:
        """Give what waits to workers with room."""
        while self.waiting:
            worker = self.alone or self._least()
            if worker is None or not worker.room:
                return
            pending = self.waiting.popleft()
            if not pending.over:
                worker.send(pending)

    def _least(self) -> Worker | None:
        found, fewest = None, 1 << 30
        for worker in self.workers.values():
            if worker.ready and not worker.draining and len(worker.pending) < fewest:
                found, fewest = worker, len(worker.pending)
        return found

    def sweep(self, now: float) -> None:
        """What took too long gets its answer; what left the table goes when it has answered."""
        while self.waiting and (self.waiting[0].over or now - self.waiting[0].began > self.queue_wait_s):
            pending = self.waiting.popleft()
            if not pending.over:
                self.counters.rejected += 1
                pending.done(pending, FULL, b"", 0)
        for worker_id, worker in list(self.workers.items()):
            late = []
            for number, pending in worker.pending.items():
                if now - pending.began <= self.timeout_s:
                    break  # they are in the order in which they came
                late.append((number, pending))
            for _, pending in late:
                if not pending.over:
                    self.counters.timeouts += 1
                    worker.stuck += 1
                    pending.done(pending, LATE, b"", 0)
                    pending.context = None  # its body need not lie here until the worker comes back to it
            if late and worker.stuck >= STUCK:
                self.pool.tell({"stuck": worker.id, "deployment": self.id})
                worker.stuck = 0
            if worker.draining and not any(not pending.over for pending in worker.pending.values()):
                worker.close()
                del self.workers[worker_id]

    def told(self) -> dict[str, Any]:
        """For the server: how it goes."""
        return {
            **self.counters.told(),
            "waiting": len(self.waiting),
            "in_flight": self.in_flight,
            "ready": self.ready,
            "revision": self.revision,
            "workers": {key: [worker.ready, len(worker.pending)] for key, worker in self.workers.items()},
        }


def now() -> float:
    return time.monotonic()
