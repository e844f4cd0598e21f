"""Spread an input over worker processes, mini-batch by mini-batch: `python parallel_driver.py LAYOUT`.

LAYOUT is a JSON file (`zaffre.engine.parallel` writes it). The input is cut into mini-batches; each worker
(`parallel_worker.py`) runs the user's script over one after the other. What is finished lies in the folder `state`,
one file for each mini-batch: a later attempt with the same `key` goes on from there. A worker that dies or takes too
long is replaced, and costs only its mini-batch a try. At the end the rows are written to `append_to`, in the order of
the mini-batches, and appear there at once.

The exit status is 0 unless more failed than the thresholds allow, `init` cannot be called, or there is nothing to do.
Standard library only, Python 3.7 or newer.
"""

from __future__ import annotations

import collections
import contextlib
import hashlib
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

HERE = os.path.dirname(os.path.abspath(__file__))
READ_BYTES = 1 << 16
LOG_BYTES = 16 << 20  # of one worker's file; an older one is kept beside it
SHOWN_BYTES = 64 << 10  # of what one mini-batch prints; the rest is in the worker's file
PROGRESS_S = 5.0
STARTS = 3  # processes in a row that die before `init` has ended: then it will not get better
SHOWN_FAILURES = 20


class Stop(Exception):
    """The job is over: exit status and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


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
        orders = self.cut()
        if not orders:
            raise Stop(1, "parallel: the input {} is empty: there is nothing to do".format(self.layout["input_name"]))
        self.total = len(orders)
        self.check_state(orders)
        finished = self.finished()
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

    def cut(self) -> list[dict[str, Any]]:
        source = self.layout["input"]
        if os.path.isfile(os.path.join(source, "MLTable")):
            return self.cut_table()
        if self.layout.get("partition_keys"):
            raise Stop(1, "parallel: partition_keys need a table as input (type: mltable)")
        if not os.path.exists(source):
            raise Stop(1, f"parallel: the input {source} does not exist")
        return self.group([source] if os.path.isfile(source) else list(below(source)))

    def cut_table(self) -> list[dict[str, Any]]:
        """A program of the step's environment reads the table; finished once, its pieces are kept for later tries."""
        result = os.path.join(self.state, "table.json")
        key = fingerprint([self.layout["key"], self.layout.get("partition_keys"), self.layout["batch_bytes"]])
        marked = os.path.join(self.state, f"table.{key}.json")
        if not os.path.isfile(marked):
            os.makedirs(self.state, exist_ok=True)
            shutil.rmtree(os.path.join(self.state, "table"), ignore_errors=True)
            command = [sys.executable, os.path.join(HERE, "parallel_cut.py"), self.layout_file, result]
            status = subprocess.call(command)
            if status:
                raise Stop(1, f"parallel: the table could not be read (exit status {status})")
            os.replace(result, marked)
        with open(marked, encoding="utf-8") as file:
            made = json.load(file)
        if "files" in made:
            return self.group(made["files"])
        return list(made["tables"])

    def group(self, paths: list[str]) -> list[dict[str, Any]]:
        """So many files each, or files of so many bytes together."""
        if self.layout.get("batch_files"):
            size = int(self.layout["batch_files"])
            groups = [paths[start : start + size] for start in range(0, len(paths), size)]
        else:
            groups, held = [], 0
            for path in paths:
                size = size_of(path)
                if not groups or held + size > self.layout["batch_bytes"]:
                    groups.append([])
                    held = 0
                groups[-1].append(path)
                held += size
        return [{"files": group, "items": len(group)} for group in groups]

    def check_state(self, orders: list[dict[str, Any]]) -> None:
        """Results of another cut are no results: they go."""
        source = self.layout["input"]
        parts: list[Any] = [self.layout["key"], len(orders)]
        for order in orders:
            parts.append(order.get("partition") or order["items"])
            for path in order.get("files", ()):
                parts.append((os.path.relpath(path, source), size_of(path)))
        mark, place = fingerprint(parts), os.path.join(self.state, "key")
        try:
            with open(place, encoding="utf-8") as file:
                same = file.read() == mark
        except OSError:
            same = False
        if not same:
            os.makedirs(self.state, exist_ok=True)
            for name in os.listdir(self.state):
                if name.endswith((".rows", ".staged")):
                    os.remove(os.path.join(self.state, name))
            with open(place + ".staged", "w", encoding="utf-8") as file:
                file.write(mark)
            os.replace(place + ".staged", place)

    def finished(self) -> dict[int, dict[str, Any]]:
        """Mini-batches whose file is whole (a machine that lost its power may have cut it short)."""
        found = {}
        for name in os.listdir(self.state):
            stem, dot = os.path.splitext(name)
            if dot == ".rows" and stem.isdigit():
                path = os.path.join(self.state, name)
                with open(path, "rb") as file:
                    line = file.readline()
                try:
                    head = json.loads(line.decode())
                except ValueError:
                    continue
                if os.path.getsize(path) == len(line) + head["bytes"]:
                    found[int(stem)] = head
        return found

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
        """All rows in the order of the mini-batches; readers see the former file or this one."""
        if os.path.isdir(target):
            target = os.path.join(target, self.layout["append_name"])
        os.makedirs(os.path.dirname(target), exist_ok=True)
        staged = os.path.join(os.path.dirname(target), f".{os.path.basename(target)}.staged")
        with open(staged, "wb") as out:
            for number in range(self.total):
                path = os.path.join(self.state, f"{number}.rows")
                if number not in self.failed:
                    with open(path, "rb") as file:
                        file.readline()
                        shutil.copyfileobj(file, out, 1 << 20)
            out.flush()
            os.fsync(out.fileno())
        os.replace(staged, target)

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
        command = [sys.executable, os.path.join(HERE, "parallel_worker.py"), driver.layout_file]
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


class Teller:
    """Logs metrics to the run of the step, from a thread: a slow server does not slow the work."""

    def __init__(self) -> None:
        self.url, self.run = os.environ.get("MLFLOW_TRACKING_URI", ""), os.environ.get("MLFLOW_RUN_ID")
        self.thread: threading.Thread | None = None

    def tell(self, values: dict[str, int], step: int, last: bool) -> None:
        if not self.run or not self.url.startswith("http"):
            return
        if self.thread is not None and self.thread.is_alive():
            if not last:
                return
            self.thread.join(5)
        self.thread = threading.Thread(target=self._send, args=(values, step), daemon=True)
        self.thread.start()
        if last:
            self.thread.join(5)

    def _send(self, values: dict[str, int], step: int) -> None:
        now = int(time.time() * 1000)
        metrics = [{"key": key, "value": value, "timestamp": now, "step": step} for key, value in values.items()]
        request = urllib.request.Request(  # noqa: S310  the address is that of our own server
            self.url.rstrip("/") + "/api/2.0/mlflow/runs/log-batch",
            data=json.dumps({"run_id": self.run, "metrics": metrics}).encode(),
            headers={
                "Content-Type": "application/json",
                "Authorization": "Bearer " + os.environ.get("MLFLOW_TRACKING_TOKEN", ""),
            },
        )
        with contextlib.suppress(OSError, ValueError):  # progress is also in the log
            urllib.request.urlopen(request, timeout=4).close()  # noqa: S310


def below(folder: str) -> Iterable[str]:
    """Files of a folder and below, by name: the order of the rows does not depend on the disk. A folder that links
    lead to is visited once."""
    seen = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        status = os.stat(place)
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders.sort()
        for name in sorted(names):
            yield os.path.join(place, name)


def size_of(path: str) -> int:
    """0 for what cannot be looked at: whoever opens it says why."""
    try:
        return os.path.getsize(path)
    except OSError:
        return 0


def move(source: str, target: str) -> None:
    """What lies in one folder goes to another, each file at once; what is there already is replaced."""
    for path in list(below(source)):
        goal = os.path.join(target, os.path.relpath(path, source))
        os.makedirs(os.path.dirname(goal), exist_ok=True)
        try:
            os.replace(path, goal)
        except OSError:  # another disk
            staged = os.path.join(os.path.dirname(goal), f".{os.path.basename(goal)}.staged")
            shutil.copyfile(path, staged)
            os.replace(staged, goal)
            os.remove(path)


def fingerprint(parts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def ended(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"exit status {status}"


def open_log(path: str) -> int:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)


def say(text: str) -> None:
    write(1, (text + "\n").encode("utf-8", "replace"))


def write(descriptor: int, data: bytes) -> None:
    """A full disk costs lines of the log, not the job."""
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except OSError:
            return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
