"""All mini-batches of one input: which is run by whom, which has failed, when it is enough, and what comes out."""

from __future__ import annotations

import collections
import contextlib
import json
import os
import selectors
import signal
import time

from . import state
from .cut import cut
from .files import join, move
from .log import say
from .stop import Stop
from .teller import Teller
from .worker import Worker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PROGRESS_S = 5.0
STARTS = 3  # processes in a row that die before `init` has ended: then it will not get better
SHOWN_FAILURES = 20


def main(layout_file: str) -> int:
    with open(layout_file, encoding="utf-8") as file:
        layout = json.load(file)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _asked_to_end)
    driver = Driver(layout, layout_file)
    try:
        driver.prepare()
        driver.run()
        driver.publish()
    except Stop as stop:
        say(str(stop))
        return stop.status
    finally:
        driver.end_workers()
        driver.tell(last=True)
    return 0


def _asked_to_end(number: int, _frame: Any) -> None:
    raise Stop(128 + number, f"parallel: ended by signal {number}; finished mini-batches are kept")


class Batch:
    """One mini-batch and what became of it."""

    __slots__ = ("items", "number", "order", "tries")

    def __init__(self, number: int, order: dict[str, Any]) -> None:
        self.number, self.order, self.items, self.tries = number, order, order["items"], 0


class Driver:
    """All mini-batches of one input."""

    def __init__(self, layout: dict[str, Any], layout_file: str) -> None:
        self.layout, self.layout_file = layout, layout_file
        self.state = layout["state"]
        self.waiting: collections.deque[Batch] = collections.deque()
        self.total = self.done = self.items_done = self.items_failed = 0
        self.failed: dict[int, str] = {}  # mini-batches given up, with the last line of the cause
        self.workers: list[Worker] = []
        self.bad_starts, self.most = 0, 1
        self.ready_s = self.first_ready = 0.0  # how long the last worker took to get ready, and when the first one was
        self.began = self.shown = time.monotonic()
        self.done_before = 0
        self.selector = selectors.DefaultSelector()
        self.teller = Teller()

    # What there is to do

    def prepare(self) -> None:
        """Cut the input, and see what an earlier attempt has finished."""
        orders = cut(self.layout, self.layout_file)
        if not orders:
            raise Stop(1, "parallel: the input {} is empty: there is nothing to do".format(self.layout["input_name"]))
        self.total = len(orders)
        state.check(self.layout, orders)
        finished = state.finished(self.state)
        for number, order in enumerate(orders):
            order["number"] = number
            if number in finished:
                self.count(finished[number])
            else:
                self.waiting.append(Batch(number, order))
        self.done_before = self.done
        what = "files" if "files" in orders[0] else "rows"
        items = sum(order["items"] for order in orders)
        say(f"parallel: {self.total} mini-batches ({items} {what}), {self.wanted()} workers")
        if self.done:
            say(f"parallel: {self.done} mini-batches were finished before and are kept")

    # Running

    def wanted(self) -> int:
        try:
            cores = len(os.sched_getaffinity(0))
        except AttributeError:
            cores = os.cpu_count() or 1
        return max(1, min(int(self.layout["workers"]), cores, len(self.waiting) or 1))

    def run(self) -> None:
        self.most = self.wanted()
        at_first = 1 if self.layout["entry"] is None else self.most
        for number in range(at_first if self.waiting else 0):
            self.workers.append(Worker(number, self))
        while self.waiting or any(worker.batch for worker in self.workers):
            self.turn()
            self.check_thresholds()
            if time.monotonic() - self.shown >= PROGRESS_S:
                self.tell()

    def turn(self) -> None:
        now = time.monotonic()
        due = [worker.deadline for worker in self.workers if worker.deadline is not None]
        wait = max(0.0, min([*due, self.shown + PROGRESS_S]) - now)
        for key, _ in self.selector.select(wait):
            worker, kind = key.data
            if self.workers[worker.number] is not worker or not worker.lives:
                continue  # lost a moment ago; its numbers of files may be another's by now
            if not worker.read(kind, key.fd):
                with contextlib.suppress(KeyError):
                    self.selector.unregister(key.fd)
                if kind == "answers":
                    self.lost(worker)
        for worker in self.workers:
            if worker.deadline is not None and time.monotonic() >= worker.deadline:
                self.too_long(worker)

    def give(self, worker: Worker) -> None:
        """The next mini-batch to a worker that waits for one."""
        if self.waiting:
            worker.give(self.waiting.popleft())

    def answered(self, worker: Worker, answer: dict[str, Any]) -> None:
        if answer.get("broken"):
            raise Stop(1, "parallel: init() of the entry script failed:\n{}".format(answer["error"]))
        batch, worker.batch, worker.deadline = worker.batch, None, None
        if "ready" in answer:
            self.bad_starts = 0
            self.ready_s, self.first_ready = time.monotonic() - worker.began, self.first_ready or time.monotonic()
        elif batch is not None and "done" in answer:
            self.count({"items": batch.items, "rows": answer["rows"]})
        elif batch is not None:
            self.again(batch, answer["error"].strip().rpartition("\n")[2], answer["again"])
        self.give(worker)
        if batch is not None and len(self.workers) < self.most:
            self.grow()

    def grow(self) -> None:
        """A model that scores by itself gets ready in seconds, of which a million rows take few: another worker starts
        only when what is left takes longer than that."""
        done = self.done - self.done_before + len(self.failed)
        each = (time.monotonic() - self.first_ready) / max(done, 1)
        if self.waiting and each * len(self.waiting) > 2 * self.ready_s:
            self.workers.append(Worker(len(self.workers), self))

    def count(self, head: dict[str, Any]) -> None:
        """A `run` that returns fewer rows than it got items has failed for the others; None says that all went well."""
        rows = head["rows"]
        missing = 0 if rows is None else max(0, head["items"] - rows)
        self.done += 1
        self.items_done += head["items"] - missing
        self.items_failed += missing

    def again(self, batch: Batch, why: str, may: bool = True) -> None:
        """Another try, after all others, or none any more."""
        batch.tries += 1
        if may and batch.tries <= int(self.layout["retries"]):
            say(f"parallel: mini-batch {batch.number} failed, is tried again: {why}")
            self.waiting.append(batch)
            return
        say(f"parallel: mini-batch {batch.number} failed: {why}")
        self.failed[batch.number] = why
        self.items_failed += batch.items
        with open(os.path.join(self.layout["logs"], "failed_mini_batches.jsonl"), "a", encoding="utf-8") as file:
            named = {"mini_batch": batch.number, "error": why, "files": batch.order.get("files")}
            file.write(json.dumps({**named, "partition": batch.order.get("partition")}) + "\n")

    def lost(self, worker: Worker) -> None:
        """The process has ended: of itself, or because it took too long."""
        status = worker.end()
        why = worker.why or f"its process ended ({ended(status)})"
        batch, worker.batch = worker.batch, None
        if batch is not None:
            self.again(batch, why)
        elif not worker.is_ready:
            self.bad_starts += 1
            say(f"parallel: a worker did not get ready: {why}")
            if self.bad_starts >= STARTS or worker.why:
                raise Stop(1, f"parallel: init() of the entry script does not end well: {why}")
        if self.waiting:
            self.workers[worker.number] = Worker(worker.number, self)

    def too_long(self, worker: Worker) -> None:
        limit = self.layout["timeout_s"] if worker.is_ready else self.layout["init_timeout_s"]
        worker.why = f"it took longer than {limit:g} s"
        worker.deadline = None
        worker.kill()  # its pipes end, and then it is lost

    def check_thresholds(self) -> None:
        """Raises `Stop` when more failed than was allowed (-1: any number)."""
        most = int(self.layout["error_threshold"])
        if 0 <= most < self.items_failed:
            raise Stop(1, f"parallel: {self.items_failed} items failed, error_threshold is {most}")
        most = int(self.layout["mini_batch_error_threshold"])
        if 0 <= most < len(self.failed):
            count = len(self.failed)
            raise Stop(1, f"parallel: {count} mini-batches failed, mini_batch_error_threshold is {most}")
        percent = float(self.layout["allowed_failed_percent"])
        if self.failed and 100.0 * len(self.failed) / self.total > percent:
            share = f"{len(self.failed)} of {self.total}"
            raise Stop(1, f"parallel: {share} mini-batches failed, allowed_failed_percent is {percent:g}")
        if self.failed and len(self.failed) == self.total:
            raise Stop(1, "parallel: every mini-batch failed")

    def end_workers(self) -> None:
        """Those that wait may call `shutdown`; the others are killed."""
        for worker in self.workers:
            worker.dismiss()
        deadline = time.monotonic() + self.layout["shutdown_s"]
        while any(worker.lives for worker in self.workers) and time.monotonic() < deadline:
            for key, _ in self.selector.select(0.05):
                worker, kind = key.data
                if not worker.read(kind, key.fd, ending=True):
                    with contextlib.suppress(KeyError):
                        self.selector.unregister(key.fd)
            for worker in self.workers:
                worker.lives = worker.process.poll() is None
        for worker in self.workers:
            worker.end()

    # What comes out

    def publish(self) -> None:
        self.check_thresholds()
        if self.layout.get("written"):
            move(self.layout["written"], self.layout["output_dir"])
        target = self.layout.get("append_to")
        if target:
            self.append(target)
        said = f"parallel: {self.done} mini-batches done, {len(self.failed)} failed; "
        say(said + f"{self.items_done} items done, {self.items_failed} failed")
        for number in sorted(self.failed)[:SHOWN_FAILURES]:
            say(f"parallel: without mini-batch {number}: {self.failed[number]}")

    def append(self, target: str) -> None:
        """All rows in the order of the mini-batches."""
        if os.path.isdir(target):
            target = os.path.join(target, self.layout["append_name"])
        done = (number for number in range(self.total) if number not in self.failed)
        join((os.path.join(self.state, f"{number}.rows") for number in done), target)

    def tell(self, last: bool = False) -> None:
        """Progress in the log, and as metrics of the run."""
        self.shown = time.monotonic()
        if not self.total:
            return
        if not last:
            rate = (self.done - self.done_before) / max(self.shown - self.began, 1e-9)
            text = f"parallel: {self.done} of {self.total} mini-batches done, {len(self.failed)} failed"
            say(f"{text}, {rate:.1f}/s")
        values = {
            "mini_batches_total": self.total,
            "mini_batches_done": self.done,
            "mini_batches_failed": len(self.failed),
            "items_done": self.items_done,
            "items_failed": self.items_failed,
        }
        self.teller.tell(values, self.done + len(self.failed), last)


def ended(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"exit status {status}"
