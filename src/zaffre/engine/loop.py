"""The engine: one thread that turns. A turn takes in what happened, moves jobs on, and commits once.

It works on the trees of jobs whose root it holds the lease of; several engines may share one PostgreSQL.
"""

from __future__ import annotations

import logging
import os
import shutil
import socket
import threading
import time
from functools import partial
from pathlib import Path

from blake3 import blake3

from zaffre.base.clock import now_ms
from zaffre.base.errors import Unavailable
from zaffre.core.job_state import Status
from zaffre.engine import adopt, events, pipeline, rescue
from zaffre.engine.batch import Batch
from zaffre.engine.job import cancel_requested, preparing, queued, running
from zaffre.engine.live import Live
from zaffre.engine.motor import Motor
from zaffre.engine.slots import Slots
from zaffre.plugins.logs import rotate
from zaffre.ports.compute import Capacity, ComputeBackend, WaitsOnMany
from zaffre.services.computes.limits import instances
from zaffre.services.context import Context
from zaffre.services.runs.count_keys import count_keys
from zaffre.services.tracking.compact import compact_metrics
from zaffre.store import job_living
from zaffre.store import jobs as store
from zaffre.store.db import DatabaseUnavailable

log = logging.getLogger("zaffre.engine")
LEASE_S = 30.0
LOOK_EVERY_S = 1.0  # the safety net under every signal
# Folders of ended jobs are removed when nothing has run for a minute, or when they are many, or old: removing files
# makes ext4 slow to create others for minutes, so it is not done between the steps of a pipeline.
REAP_QUIET_S, REAP_EVERY_S, REAP_AT_ONCE = 60.0, 600.0, 5000
ROTATE_EVERY_S = 3.0
COMPACT_FIRST_S, COMPACT_EVERY_S, COMPACT_FOR_S = 10.0, 60.0, 1.0  # metrics, when nothing runs; each time so long
COMPACT_BUSY_S = 600.0  # and so often when there is always something that runs
COUNT_EVERY_S, COUNT_BUSY_S, COUNT_FOR_S = 10.0, 50.0, 1.0  # the names that runs logged, for pickers
COMPACT_BACK_MS = 86_400_000  # what was logged before a restart may wait for it still
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0  # before a database that did not answer is asked again
# So long a change may wait for others to share its commit, and so long that a started step runs (its claim is
# committed already): then the next end, of another step or of a short one's own, shares it.
SETTLE_S, STARTED_S = 0.002, 0.02


class Engine:
    """Start it once per process; `stop` leaves running jobs alone, another engine will adopt them."""

    def __init__(self, ctx: Context, compute: ComputeBackend, machine: Capacity) -> None:
        self.ctx = ctx
        self.owner = _owner(ctx.home.root)
        self.motor = Motor(ctx, compute, Slots(machine, lambda workspace, name: instances(ctx, workspace, name)))
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self.motor.rescue = lambda live, error: rescue.rescue(self.motor, live, error)
        self._next_look = self._next_lease = self._next_rotation = 0.0
        self._next_reap = time.monotonic() + REAP_EVERY_S
        self._quiet_since = time.monotonic()
        self._ahead: int | None = None  # the job that was made ready last while it waited
        self._rotating = threading.Lock()
        self._next_compaction = time.monotonic() + COMPACT_FIRST_S
        self._next_count = time.monotonic() + COUNT_EVERY_S
        self._compacted = now_ms() - COMPACT_BACK_MS

    def start(self) -> None:
        with self.ctx.db.write() as connection:
            job_living.release_leases(connection)  # of engines that died: no other works on this database
        self.ctx.changes.work = self._poke
        self._thread.start()

    def stop(self) -> None:
        """Ends after the present turn."""
        self._stopping = True
        self.motor.tell(lambda: None)
        self._thread.join(timeout=30)

    def _poke(self, root_id: int) -> None:
        """Something about this root was committed by somebody else: a new job, or the wish to cancel."""
        self.motor.tell(lambda: self._notice(root_id))

    # --- the loop ---

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._turn()
            except store.Stale:
                log.warning("another engine moved a job of ours: loading everything anew")
                self._forget_all()
            except DatabaseUnavailable as error:
                log.warning("%s: loading everything anew once it answers", error.message)
                self._forget_all()
                time.sleep(0.5)
            except Exception:
                log.exception("the engine stumbled: loading everything anew")
                self._forget_all()
                time.sleep(0.5)
        try:
            self._commit()
        except Exception:
            log.exception("the last turn was not written: the next server finds out what happened")
        for live in list(self.motor.watched.values()):
            self.motor.forget(live)
        self.motor.close()

    def _turn(self) -> None:
        motor = self.motor
        motor.collect(self._patience())
        if time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + LOOK_EVERY_S
            self._look_around()
        while motor.ended or motor.dirty:
            self._advance()
        for live in motor.slots.take():
            motor.guard(live, partial(queued.admit, motor, live))
        self._commit()
        self._prepare_ahead()
        self._keep_house()

    def _patience(self) -> float:
        """How long to wait for something to happen, in seconds."""
        batch = self.motor.batch
        if batch.empty:
            return min(LOOK_EVERY_S, max(self._next_look - time.monotonic(), 0))
        return STARTED_S if batch.only_started else SETTLE_S

    def _advance(self) -> None:
        """Let pipelines go on, whose nodes have ended or became ready."""
        motor = self.motor
        while motor.ended:
            child = motor.ended.pop()
            if child.parent is not None:
                motor.guard(child.parent, partial(pipeline.child_ended, motor, child))
        while motor.dirty:
            _, (live, ready) = motor.dirty.popitem()
            motor.guard(live, partial(pipeline.advance, motor, live, ready))

    def _prepare_ahead(self) -> None:
        """While steps run and nothing else is to be done: the next one need not wait for its folders."""
        head = self.motor.slots.head if self.motor.watched and self.motor.idle else None
        if head is not None and head.job.id != self._ahead:
            self._ahead = head.job.id
            self.motor.guard(head, partial(preparing.ahead, self.motor, head))

    def _commit(self) -> None:
        batch, self.motor.batch = self.motor.batch, Batch()
        self._write(batch)
        for live, call in batch.after:
            self.motor.guard(live, call)

    def _write(self, batch: Batch) -> None:
        """A database that does not answer is waited for: what has happened must not be lost.

        A tree that cannot be written for any other reason is given up, so that it does not hold up the others.
        """
        pause = FIRST_PAUSE_S
        while True:
            try:
                return batch.commit(self.ctx)
            except store.Stale:
                raise
            except DatabaseUnavailable as error:
                if self._stopping:
                    return None
                log.warning("%s: trying again in %.1f s", error.message, pause)
                time.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)
            except Exception as error:
                if pause > FIRST_PAUSE_S:  # the commit may have been done, and only its answer lost
                    raise store.Stale("a commit whose answer was lost") from error
                problem = error
                break
        roots = sorted(batch.roots)
        if len(roots) == 1:
            log.error("a tree of jobs cannot be written", exc_info=problem)
            return rescue.give_up(self.motor, roots[0], rescue.in_words(problem))
        for root in roots:
            self._write(batch.of(root))
        return None

    def _look_around(self) -> None:
        """Renew leases, take roots nobody works on, see wishes and ends that no signal told of."""
        motor = self.motor
        until = now_ms() + int(LEASE_S * 1000)
        if time.monotonic() >= self._next_lease:
            self._next_lease = time.monotonic() + LEASE_S / 3
            with self.ctx.db.write() as connection:
                job_living.renew_leases(connection, self.owner, until)
                claimed = job_living.claim_roots(connection, self.owner, until)
            for root_id in claimed:
                self._take(root_id)
        self._see_wishes()
        if not isinstance(motor.compute, WaitsOnMany):
            for live in list(motor.watched.values()):
                motor.guard(live, partial(running.look, motor, live))

    def _notice(self, root_id: int) -> None:
        if root_id in self.motor.trees:
            return self._see_wishes(root_id)
        with self.ctx.db.write() as connection:
            claimed = job_living.claim_roots(connection, self.owner, now_ms() + int(LEASE_S * 1000), only=root_id)
        if claimed:
            self._take(root_id)
        return None

    def _take(self, root_id: int) -> None:
        """A tree that cannot even be read is given up: it must not stop the engine again and again."""
        if root_id in self.motor.trees:
            return
        try:
            adopt.adopt(self.motor, root_id)
        except (store.Stale, DatabaseUnavailable):
            raise
        except Exception as error:
            log.exception("the jobs below %s cannot be taken up", root_id)
            rescue.give_up(self.motor, root_id, rescue.in_words(error))

    def _see_wishes(self, root_id: int | None = None) -> None:
        motor = self.motor
        if not motor.trees:
            return
        with self.ctx.db.read() as connection:
            wanted = job_living.cancel_requests(connection, root_id)
        for root, job_id in wanted:
            tree = motor.trees.get(root)
            live = tree.living.get(job_id) if tree else None
            if live and not live.job.cancel and live.job.status is not Status.CANCEL_REQUESTED:
                motor.guard(live, partial(cancel_requested.cancel, motor, live))

    def _forget_all(self) -> None:
        motor = self.motor
        for live in list(motor.watched.values()):
            motor.forget(live)
        for tree in motor.trees.values():
            for live in tree.living.values():
                motor.unready(live)
        fresh = Slots(motor.slots.machine, motor.slots.limit_of)
        motor.batch, motor.slots, motor.trees, motor.dirty, motor.ended = Batch(), fresh, {}, {}, []
        motor.locks.clear()
        self._ahead = None
        self._next_lease = self._next_look = 0.0

    # --- housekeeping ---

    def _keep_house(self) -> None:
        motor, now = self.motor, time.monotonic()
        if motor.trees:
            self._quiet_since = now
        quiet = now - self._quiet_since > REAP_QUIET_S
        if motor.reaper and (quiet or len(motor.reaper) >= REAP_AT_ONCE or now >= self._next_reap):
            self._next_reap = now + REAP_EVERY_S
            ended, motor.reaper = motor.reaper, []
            motor.chore(lambda: self._reap(ended))
            if quiet:
                motor.chore(self.ctx.environments.sweep)
        if now >= self._next_compaction + (COMPACT_BUSY_S if motor.trees else 0.0):
            self._next_compaction = now + COMPACT_EVERY_S
            motor.chore(self._compact)
        if now >= self._next_count + (COUNT_BUSY_S if motor.trees else 0.0):
            self._next_count = now + COUNT_EVERY_S
            motor.chore(self._count)
        if now >= self._next_rotation:
            self._next_rotation = now + ROTATE_EVERY_S
            logs = [self.ctx.home.log(live.job.workspace, live.job.name) for live in motor.watched.values()]
            if logs and self._rotating.acquire(blocking=False):
                running = list(motor.watched.values())
                motor.chore(lambda: self._look_into(logs, running))

    def _compact(self) -> None:
        self._compacted = compact_metrics(self.ctx, self._compacted, COMPACT_FOR_S)

    def _count(self) -> None:
        count_keys(self.ctx, COUNT_FOR_S)

    def _look_into(self, logs: list[Path], running: list[Live]) -> None:
        """Long logs of running jobs are packed as they grow. A full disk is no reason to end a job."""
        try:
            events.collect_all(self.ctx, running)
            for one in logs:
                try:
                    rotate.rotate(one)
                except Unavailable as error:
                    log.warning("%s", error.message)
        finally:
            self._rotating.release()

    def _reap(self, ended: list[Live]) -> None:
        """Working folders of jobs that went well are scratch; those of failed ones stay for a look."""
        for live in ended:
            if live.job.status is Status.COMPLETED and live.job.type != "pipeline" and live.job.reused_from is None:
                shutil.rmtree(self.ctx.home.job(live.job.workspace, live.job.name), ignore_errors=True)


def _owner(home: Path) -> str:
    """The name of the engine of this home: one that is started again takes up what it left behind at once.

    The lock of the home sees to it that there is only one.
    """
    place = os.stat(home)
    return blake3(f"{socket.gethostname()}:{home}:{place.st_dev}:{place.st_ino}".encode()).hexdigest(16)
