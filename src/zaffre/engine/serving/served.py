"""A deployment that is kept running: revisions come up beside the one that serves, take over, and go."""

from __future__ import annotations

import json
import logging
import os
import shutil
import time
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from zaffre.base.clock import iso, now_ms
from zaffre.base.errors import ZaffreError
from zaffre.core.rollout import workers_wanted
from zaffre.engine.serving import container, files, worker
from zaffre.engine.serving.revision import Revision, Stage
from zaffre.engine.serving.worker import Worker
from zaffre.plugins.logs import rotate
from zaffre.ports.compute import ComputeBackend
from zaffre.services.context import Context
from zaffre.store.endpoints import DeploymentRecord

log = logging.getLogger("zaffre.serving")
RESERVE_S = 60.0  # the former revision stays so long, without traffic: going back to it takes no time
LOG_BYTES = 256 << 20
SHARE_OF_MEMORY = 0.8  # of the machine's, for one worker whose deployment names no limit
CALM_LOAD = 0.3  # how much the newest look at the load counts


class Served:
    """`turn` moves it on by what has happened. It never blocks: long work is given to `pool`."""

    def __init__(self, ctx: Context, compute: ComputeBackend, pool: Executor, record: DeploymentRecord, poke: Any):
        self.ctx, self.compute, self.pool, self.record = ctx, compute, pool, record
        self.poke: Callable[[], None] = poke
        self.id = f"{record.workspace}/{record.endpoint}/{record.name}"
        self.folder = files.folder_of(ctx, record)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.log = self.folder / "log.txt"
        self.current: Revision | None = None
        self.coming: Revision | None = None
        self.reserve: Revision | None = None
        self.stopped = False
        self.failed: tuple[int, str] | None = None  # a revision that could not be started, and why
        self.load = 0.0
        self.asked_at = time.monotonic()  # when it last had something to do
        self._told = ""
        self._next_care = 0.0
        self._adopt()

    # --- what the table says of it ---

    def entry(self) -> dict[str, Any]:
        scale = (self.record.plan or {}).get("scale") or {}
        workers = {one.id: one.path for one in self.current.ready} if self.current and not self.stopped else {}
        return {
            "timeout_ms": scale.get("timeout_ms", 60_000),
            "queue_wait_ms": scale.get("queue_wait_ms", 60_000),
            "queue": scale.get("queue", 1000),
            "runs": self.current is not None and not self.stopped,
            "revision": self.current.number if self.current else 0,
            "workers": workers,
            "hello": self._foretold(),
        }

    def _foretold(self) -> dict[str, Any]:
        """What the gateway must know of its workers before one has said hello."""
        run = self.current.run if self.current else {}
        if run.get("kind") != "container":
            return {}
        return {"kind": "container", "http": True, "below": run["container"]["routes"]["scoring"]["path"]}

    @property
    def paths(self) -> list[str]:
        """Where its workers answer, of every revision."""
        return [one.path for one in self._all()]

    @property
    def containers(self) -> list[str]:
        """Those of its workers."""
        return [one.container for one in self._all() if one.container]

    @property
    def busy(self) -> bool:
        """Whether something is about to happen: it is looked at more often then."""
        return self.coming is not None or any(not one.ready for one in self._all()) or bool(self._leaving())

    # --- moving on ---

    def turn(self, record: DeploymentRecord, stopped: bool, stats: dict[str, Any] | None, now: float) -> None:
        self.record, self.stopped = record, stopped
        self._observe(now)
        if stopped:
            self._halt()
        else:
            self._follow_plan(now)
            if self.coming is not None:
                self._bring_up(self.coming, now)
            if self.current is not None:
                self._measure(self.current, stats, now)
                self._keep(self.current, now)
        if self.reserve is not None and (now > self.reserve.reserve_until or stopped):
            self._leave(self.reserve.workers, now)
            if not self.reserve.workers:
                self._remove(self.reserve)
                self.reserve = None
        self._let_go(stats, now)
        if now >= self._next_care:
            self._next_care = now + 2.0
            self._care()
        self._write()

    def wake(self) -> None:
        """A request waits."""
        self.asked_at = time.monotonic()
        self.load = max(self.load, 0.5)

    def restart(self, worker_id: str) -> None:
        """A worker hangs: it is ended, and another one started in its place."""
        for one in self._all():
            if one.id == worker_id:
                self.say(f"a worker does not answer any more: it is started anew ({worker_id})")
                worker.stop(self.compute, one, self.ctx.home.serving, grace_s=0.5)

    def cancel(self) -> None:
        """What is being prepared is not waited for."""
        for revision in (self.current, self.coming, self.reserve):
            if revision is not None:
                revision.cancelled = True

    def end(self) -> None:
        """It was deleted."""
        self.cancel()
        for one in self._all():
            worker.stop(self.compute, one, self.ctx.home.serving)
            self._clear(one)
        self.current = self.coming = self.reserve = None
        self.pool.submit(shutil.rmtree, self.folder, True)

    def say(self, text: str) -> None:
        """Into the log of the deployment, between what its workers print."""
        with open(self.log, "ab") as file:
            file.write(f"{iso(now_ms())} {text}\n".encode())

    # --- revisions ---

    def _follow_plan(self, now: float) -> None:
        """Make sure that what the record says is running, or coming up, or known to have failed."""
        number, run = self.record.revision, (self.record.plan or {}).get("run")
        if run is None:
            return
        if self.coming is not None and self.coming.number != number:
            self._discard(self.coming)
            self.coming = None
        if self.failed is not None and self.failed[0] != number:
            self.failed = None
        if self.coming is not None or self.failed is not None:
            return
        if self.current is not None and self.current.number == number:
            return
        if self.reserve is not None and self.reserve.run == run and self.reserve.ready:
            self.reserve.number = number
            for one in self.reserve.workers:
                one.revision = number
            self.say(f"revision {number}: what ran before takes over again")
            self._take_over(self.reserve, now)
            return
        self.coming = Revision(number, run, self.folder / f"r{number}")
        self._prepare(self.coming)

    def _prepare(self, revision: Revision) -> None:
        record = self.record
        self.say(f"revision {revision.number}: preparing environment, code and model")

        def work() -> None:
            prepare = container.prepare if revision.run.get("container") else files.prepare
            try:
                prepared = prepare(
                    self.ctx, record, revision.run, revision.folder, self.say, lambda: revision.cancelled
                )
                revision.prepared, revision.stage = prepared, Stage.STARTING
            except ZaffreError as error:
                if error.hint:
                    self.say(f"hint: {error.hint}")
                revision.fail(error.message)
            except Exception as error:
                log.exception("deployment %s could not be prepared", self.id)
                revision.fail(f"{type(error).__name__}: {error}")
            self.poke()

        self.pool.submit(work)

    def _bring_up(self, revision: Revision, now: float) -> None:
        if revision.stage is Stage.STARTING:
            scale = (self.record.plan or {})["scale"]
            revision.wanted = max(1, int(scale["min"]))
            if self.current is not None:
                revision.wanted = max(revision.wanted, min(len(self.current.ready), int(scale["max"])))
            try:
                while len(revision.workers) < revision.wanted:
                    self._start_worker(revision)
            except ZaffreError as error:
                revision.fail(error.message)
            if len(revision.ready) >= revision.wanted:
                self._take_over(revision, now)
                return
            waiting = [one for one in revision.workers if not one.ready]
            limit = float(revision.run["init_s"])
            if waiting and now - waiting[0].started_at > limit and revision.stage is Stage.STARTING:
                what = "the container was not ready" if revision.run["kind"] == "container" else "init() did not return"
                revision.fail(f"{what} within {limit:g} s")
        if revision.stage is Stage.FAILED:
            self.say(f"revision {revision.number} failed: {revision.message}")
            self.failed = (revision.number, revision.message or "it could not be started")
            self._discard(revision)
            self.coming = None

    def _take_over(self, revision: Revision, now: float) -> None:
        """From the next table on requests go to it; the former one is kept for a while."""
        former = self.current
        if self.reserve is not None and self.reserve is not revision:
            self._leave(self.reserve.workers, now)
            self._retired.extend(self.reserve.workers)
            self._remove(self.reserve)
        self.reserve = None
        self.current, revision.stage = revision, Stage.READY
        if self.coming is revision:
            self.coming = None
        self.say(f"revision {revision.number} serves with {len(revision.ready)} workers")
        if former is not None and former is not revision:
            former.reserve_until = now + RESERVE_S
            self.reserve = former
        self.asked_at = now

    def _discard(self, revision: Revision) -> None:
        revision.cancelled = True
        for one in revision.workers:
            worker.stop(self.compute, one, self.ctx.home.serving, grace_s=1.0)
        self._retired.extend(revision.workers)
        revision.workers = []
        self._remove(revision)

    def _remove(self, revision: Revision) -> None:
        if self.current is not revision:
            self.pool.submit(shutil.rmtree, revision.folder, True)

    # --- workers ---

    def _start_worker(self, revision: Revision) -> None:
        assert revision.prepared is not None
        revision.workers.append(
            worker.start(self.compute, revision.prepared, revision.number, self.log, self.ctx.home.serving)
        )

    def _observe(self, now: float) -> None:
        everyone = self._all()
        if not everyone:
            return
        worker.look(self.compute, everyone)
        for revision in (self.current, self.coming, self.reserve):
            for one in list(revision.workers) if revision else ():
                assert revision is not None
                if worker.runs(one):
                    worker.greet(one, self.ctx.home.serving)
                    continue
                (self.ctx.home.serving / one.path).unlink(missing_ok=True)
                self._clear(one)
                if one.leaving_since is not None:
                    revision.workers.remove(one)
                elif revision is self.coming:
                    revision.fail(worker.reason(one))
                    revision.workers.remove(one)
                else:
                    self.say(f"{worker.reason(one)}: another one is started in {revision.pause_s:g} s")
                    revision.worker_ended(one, now)
        for one in [one for one in self._retired if not worker.runs(one)]:
            self._retired.remove(one)
            self._clear(one)

    def _clear(self, one: Worker) -> None:
        """What looked after a container may have ended before it."""
        if one.container and self.ctx.containers is not None:
            self.pool.submit(self.ctx.containers.remove, [one.container])

    def _measure(self, revision: Revision, stats: dict[str, Any] | None, now: float) -> None:
        """How many workers the load asks for."""
        scale = (self.record.plan or {})["scale"]
        present = float(stats["in_flight"] + stats["waiting"]) if stats else 0.0
        if present > 0:
            self.asked_at = now
        self.load += (present - self.load) * CALM_LOAD if present < self.load else (present - self.load)
        if self.load < 0.05:
            self.load = 0.0
        load = max(self.load, 1.0 if stats and stats["waiting"] else 0.0)
        revision.wanted = workers_wanted(load, int(revision.run["concurrency"]), scale, now - self.asked_at)

    def _keep(self, revision: Revision, now: float) -> None:
        """As many workers as wanted."""
        staying = revision.staying
        if len(staying) < revision.wanted and now >= revision.next_start and revision.prepared is not None:
            try:
                for _ in range(revision.wanted - len(staying)):
                    self._start_worker(revision)
            except ZaffreError as error:
                self.say(f"a worker cannot be started: {error.message}")
                revision.next_start = now + revision.pause_s
        elif len(staying) > revision.wanted:
            # the youngest go first; those that are not ready yet before the others
            order = sorted(staying, key=lambda one: (one.ready, -one.started_at))
            self._leave(order[: len(staying) - revision.wanted], now)

    def _leave(self, some: list[Worker], now: float) -> None:
        for one in some:
            if one.leaving_since is None:
                one.leaving_since = now

    def _let_go(self, stats: dict[str, Any] | None, now: float) -> None:
        """Those that leave are ended once they have answered all they were given."""
        scale = (self.record.plan or {}).get("scale") or {}
        longest = float(scale.get("timeout_ms", 60_000)) / 1000
        known = (stats or {}).get("workers", {})
        for one in self._leaving():
            assert one.leaving_since is not None
            waited = now - one.leaving_since
            under_way = known.get(one.id, [False, 0])[1] if stats else 1
            if (waited > 1.0 and not under_way) or waited > longest:
                worker.stop(self.compute, one, self.ctx.home.serving)

    def _halt(self) -> None:
        now = time.monotonic()
        if self.coming is not None:
            self._discard(self.coming)
            self.coming = None
        if self.current is not None:
            self._leave(self.current.workers, now)

    def _care(self) -> None:
        """Bounds of memory and of the log."""
        limit = (self.current.run.get("memory_mb") if self.current else None) or _machine_mb() * SHARE_OF_MEMORY
        for one in self.current.ready if self.current else ():
            if one.container:  # held by the engine
                continue
            if (taken := worker.memory_mb(one)) > limit:
                self.say(f"a worker has {taken:.0f} MB, its limit is {limit:.0f} MB: another one takes its place")
                one.leaving_since = time.monotonic()
        if self.log.exists():
            rotate.rotate(self.log, max_bytes=LOG_BYTES)

    def _all(self) -> list[Worker]:
        found = [one for revision in (self.current, self.coming, self.reserve) if revision for one in revision.workers]
        return found + self._retired

    def _leaving(self) -> list[Worker]:
        return [one for one in self._all() if one.leaving_since is not None]

    # --- over a restart of the server ---

    def _write(self) -> None:
        """Which processes are ours, for the next server."""
        told = json.dumps(
            {
                "current": self.current.number if self.current else None,
                "run": self.current.run if self.current else None,
                "folder": self.current.folder.name if self.current else None,
                "workers": [one.told() for one in self._all()],
            },
            sort_keys=True,
        )
        if told != self._told:
            staged = self.folder / ".state.json"
            descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(told)
            staged.replace(self.folder / "state.json")
            self._told = told

    def _adopt(self) -> None:
        """Workers of a server before this one go on; those of a revision that was coming up begin again."""
        self._retired: list[Worker] = []
        told = state_of(self.folder)
        if not told:
            return
        everyone = [Worker.adopted(one) for one in told["workers"]]
        worker.look(self.compute, everyone)
        number = told["current"]
        mine = [one for one in everyone if one.revision == number and worker.runs(one)]
        others = [one for one in everyone if one.revision != number and worker.runs(one)]
        for one in everyone:
            if not worker.runs(one):
                self._clear(one)
        self._leave(others, time.monotonic())  # the table may still send to them: they end when it does no more
        self._retired.extend(others)
        if number is None or told["run"] is None:
            return
        folder = self.folder / str(told["folder"])
        prepared = files.again(folder)
        if prepared is None and not mine:
            return
        self.current = Revision(number, told["run"], folder, Stage.READY, prepared, workers=mine)
        if mine:
            self.say(f"the server was started anew: {len(mine)} workers went on meanwhile")


def state_of(folder: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads((folder / "state.json").read_text())
        return found
    except (OSError, ValueError):
        return None


def _machine_mb() -> float:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**20
