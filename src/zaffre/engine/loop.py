"""The engine: one thread that turns. A turn takes in what happened, moves jobs on, and commits once.

It works on the trees of jobs whose root it holds the lease of; several engines may share one PostgreSQL.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time

from zaffre.base.clock import now_ms
from zaffre.base.errors import Unavailable
from zaffre.base.ids import token
from zaffre.core.job_state import TERMINAL, Status
from zaffre.engine import adopt, pipeline
from zaffre.engine.batch import Batch
from zaffre.engine.job import cancel_requested, queued, running
from zaffre.engine.live import Live
from zaffre.engine.motor import Motor
from zaffre.engine.slots import Slots
from zaffre.ports.compute import Capacity, ComputeBackend, WaitsOnMany
from zaffre.services.computes.limits import instances
from zaffre.services.context import Context
from zaffre.store import jobs as store

log = logging.getLogger("zaffre.engine")
LEASE_S = 30.0
LOOK_EVERY_S = 1.0  # the safety net under every signal
SETTLE_S = 0.002  # so long a started step may wait to be shown as Running, so that its end may share the commit


class Engine:
    """Start it once per process; `stop` leaves running jobs alone, another engine will adopt them."""

    def __init__(self, ctx: Context, compute: ComputeBackend, machine: Capacity, *, alone: bool) -> None:
        """`alone`: no other engine can work on this database, so leases left by a dead one are void at once."""
        self.ctx = ctx
        self.owner = f"{os.getpid()}-{token()}"
        self.alone = alone
        self.motor = Motor(ctx, compute, Slots(machine, lambda workspace, name: instances(ctx, workspace, name)))
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._next_look = self._next_lease = 0.0

    def start(self) -> None:
        if self.alone:
            with self.ctx.db.write() as connection:
                store.release_leases(connection)
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
            except Exception:
                log.exception("the engine stumbled: loading everything anew")
                self._forget_all()
                time.sleep(0.5)
        self._commit()
        for live in list(self.motor.watched.values()):
            self.motor.forget(live)
        self.motor.close()

    def _turn(self) -> None:
        motor = self.motor
        motor.collect(SETTLE_S if not motor.batch.empty else min(LOOK_EVERY_S, max(self._next_look - time.monotonic(), 0)))
        if time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + LOOK_EVERY_S
            self._look_around()
        while motor.dirty:
            _, (live, ready) = motor.dirty.popitem()
            if live.job.status not in TERMINAL:
                pipeline.advance(motor, live, ready)
        for live in motor.slots.take():
            queued.admit(motor, live)
        self._commit()
        if motor.reaper and not motor.trees:
            ended, motor.reaper = motor.reaper, []
            motor.work(lambda: self._reap(ended))

    def _commit(self) -> None:
        """A database that does not answer is waited for: what has happened must not be lost."""
        batch, self.motor.batch = self.motor.batch, Batch()
        pause = 0.1
        while True:
            try:
                return batch.commit(self.ctx)
            except Unavailable as error:
                if self._stopping:
                    return None
                log.warning("%s: trying again in %.1f s", error.message, pause)
                time.sleep(pause)
                pause = min(pause * 2, 5.0)

    def _look_around(self) -> None:
        """Renew leases, take roots nobody works on, see wishes and ends that no signal told of."""
        motor = self.motor
        until = now_ms() + int(LEASE_S * 1000)
        if time.monotonic() >= self._next_lease:
            self._next_lease = time.monotonic() + LEASE_S / 3
            with self.ctx.db.write() as connection:
                store.renew_leases(connection, self.owner, until)
                claimed = store.claim_roots(connection, self.owner, until)
            for root_id in claimed:
                if root_id not in motor.trees:
                    adopt.adopt(motor, root_id)
        for root_id in list(motor.trees):
            self._see_wishes(root_id)
        if not isinstance(motor.compute, WaitsOnMany):
            for live in list(motor.watched.values()):
                running.look(motor, live)

    def _notice(self, root_id: int) -> None:
        if root_id in self.motor.trees:
            return self._see_wishes(root_id)
        with self.ctx.db.write() as connection:
            claimed = store.claim_roots(connection, self.owner, now_ms() + int(LEASE_S * 1000), only=root_id)
        if claimed:
            adopt.adopt(self.motor, root_id)
        return None

    def _see_wishes(self, root_id: int) -> None:
        tree = self.motor.trees[root_id]
        with self.ctx.db.read() as connection:
            wanted = store.cancel_requests(connection, root_id)
        for job_id in sorted(wanted):
            live = tree.living.get(job_id)
            if live and not live.job.cancel and live.job.status is not Status.CANCEL_REQUESTED:
                cancel_requested.cancel(self.motor, live)

    def _forget_all(self) -> None:
        motor = self.motor
        for live in list(motor.watched.values()):
            motor.forget(live)
        fresh = Slots(motor.slots.machine, motor.slots.limit_of)
        motor.batch, motor.slots, motor.trees, motor.dirty = Batch(), fresh, {}, {}
        self._next_lease = self._next_look = 0.0

    def _reap(self, ended: list[Live]) -> None:
        """Working folders of jobs that went well are scratch; those of failed ones stay for a look."""
        for live in ended:
            if live.folder is not None:
                self.ctx.environments.release(live.folder / "layer")
            if live.job.status is Status.COMPLETED and live.job.type != "pipeline" and live.job.reused_from is None:
                shutil.rmtree(self.ctx.home.job(live.job.workspace, live.job.name), ignore_errors=True)
