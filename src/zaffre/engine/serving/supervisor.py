"""Keeps online endpoints as the database says: one thread that turns, beside the engine of jobs.

What it starts (gateway, workers) outlives it: they serve while no server runs, and the next one adopts them.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from zaffre.base.errors import Conflict, ZaffreError
from zaffre.engine.serving import served as serving
from zaffre.engine.serving import watch, worker
from zaffre.engine.serving.collected import Collected
from zaffre.engine.serving.gateway import Gateway
from zaffre.engine.serving.served import Served
from zaffre.engine.serving.watch import OFF_TAG, Watch
from zaffre.engine.serving.worker import SOCKETS, Worker
from zaffre.ports.compute import ComputeBackend
from zaffre.services.context import Context
from zaffre.services.online_endpoints.create import put
from zaffre.services.online_endpoints.keys import uses_tokens
from zaffre.services.online_endpoints.rollback import last, take_back
from zaffre.services.online_endpoints.view import KIND, is_stopped
from zaffre.store import endpoints as store
from zaffre.store.db import DatabaseUnavailable
from zaffre.store.endpoints import DeploymentRecord, EndpointRecord

log = logging.getLogger("zaffre.serving")
BUSY_S, CALM_S, IDLE_S = 0.02, 0.5, 2.0  # between two turns: something comes up, requests may come, no endpoints
READ_S = 2.0  # the database is read at least so often, and whenever something was committed
PREPARING = 4  # deployments that are prepared at once
LOAD_S = 3.0
TIDY_S = 20.0
IN_FORCE_S = 3.0


class Serving:
    """Start it once per home; `stop` leaves gateway and workers alone."""

    def __init__(self, ctx: Context, compute: ComputeBackend) -> None:
        self.ctx, self.compute = ctx, compute
        self.folder = ctx.home.serving
        self.gateway = Gateway(self.folder, ctx.settings.scoring_host, ctx.settings.scoring_port, self._hear)
        self.collected = Collected(ctx)
        self.pool = ThreadPoolExecutor(PREPARING, thread_name_prefix="deploy")
        self.served: dict[str, Served] = {}
        self.endpoints: dict[str, EndpointRecord] = {}
        self.records: dict[str, DeploymentRecord] = {}
        self.stats: dict[str, Any] = {}
        self.watches: list[Watch] = []
        self._traffic: dict[str, dict[str, int]] = {}
        self._revisions: dict[str, int] = {}
        self._generation = int(time.time() * 1000)
        self._table = ""
        self._heard: list[dict[str, Any]] = []
        self._wake = threading.Event()
        self._turned = threading.Condition()
        self._begun = self._ended = 0  # turns
        self._dirty = True
        self._next_read = self._next_tidy = 0.0
        self._stopping = False
        self._lonely_since: float | None = None
        self._contained = False  # there may be containers of ours
        self._boxes: Future[list[str]] | None = None
        self._thread = threading.Thread(target=self._run, name="serving", daemon=True)

    def start(self) -> None:
        self.folder.mkdir(exist_ok=True, mode=0o700)
        self.ctx.changes.serve = self._poke
        self.ctx.changes.in_force = self._in_force
        self.ctx.changes.scoring_url = self._url
        self._sweep()
        self.collected.start()
        self._thread.start()

    def stop(self) -> None:
        """Ends after the present turn; what serves goes on serving."""
        self._stopping = True
        self._wake.set()
        self._thread.join(timeout=30)
        for one in list(self.served.values()):
            one.cancel()  # pulling or building an image may take long, and the process ends after it
        self.collected.stop()
        self.pool.shutdown(wait=False, cancel_futures=True)
        if not self.endpoints and self.gateway.lives:
            self.gateway.end()
        self.gateway.close()

    def _poke(self) -> None:
        self._dirty = True
        self._wake.set()

    def _in_force(self) -> None:
        """Returns when a turn that began after this call has ended, or after a moment."""
        with self._turned:
            wanted = self._begun + 1
            self._poke()
            self._turned.wait_for(lambda: self._ended >= wanted or self._stopping, IN_FORCE_S)

    def _url(self) -> str:
        return self.gateway.url

    def _hear(self, message: dict[str, Any]) -> None:
        """From the gateway, in its thread."""
        if "stats" in message:
            self.stats = message["stats"]
            self.ctx.changes.traffic.add(time.time(), self.stats)
            if not any(one["waiting"] for one in self.stats.values()):
                return
        else:
            self._heard.append(message)
        self._wake.set()

    # --- the loop ---

    def _run(self) -> None:
        while not self._stopping:
            with self._turned:
                self._begun += 1
            try:
                self._turn()
            except DatabaseUnavailable as error:
                log.warning("%s: endpoints stay as they are", error.message)
                time.sleep(1.0)
            except Exception:
                log.exception("the keeper of endpoints stumbled")
                time.sleep(1.0)
            with self._turned:
                self._ended = self._begun
                self._turned.notify_all()
            busy = any(one.busy for one in self.served.values())
            self._wake.wait(BUSY_S if busy else CALM_S if self.served else IDLE_S)
            self._wake.clear()

    def _turn(self) -> None:
        now = time.monotonic()
        if self._dirty or now >= self._next_read:
            self._dirty, self._next_read = False, now + READ_S
            self._read()
        self._listen()
        self._gateway(now)
        for key, one in self.served.items():
            endpoint = self.endpoints.get(f"{one.record.workspace}/{one.record.endpoint}")
            try:
                one.turn(self.records[key], endpoint is None or is_stopped(endpoint), self.stats.get(key), now)
            except Exception:  # the others are kept running all the same
                log.exception("the keeper of deployment %s stumbled", key)
        self._publish()
        for one in self.served.values():
            self._settle(one)
        self._watch(now)
        self._tidy_containers()
        if now >= self._next_tidy:
            self._next_tidy = now + TIDY_S
            self._tidy()

    def _read(self) -> None:
        """What there shall be; what is there no more ends."""
        with self.ctx.db.read() as connection:
            endpoints = store.every(connection, KIND)
            deployments = store.deployments_of(connection, KIND)
        self.endpoints = {f"{one.workspace}/{one.name}": one for one in endpoints}
        self.records = {f"{one.workspace}/{one.endpoint}/{one.name}": one for one in deployments}
        for key, record in self.records.items():
            if key not in self.served:
                self.served[key] = Served(self.ctx, self.compute, self.pool, record, self._wake.set)
        gone = [key for key in self.served if key not in self.records]
        if gone:
            ended = [self.served.pop(key) for key in gone]
            self._publish()  # first nobody is sent there any more
            for one in ended:
                one.end()

    def _listen(self) -> None:
        heard, self._heard = self._heard, []
        for message in heard:
            if "wake" in message and (one := self.served.get(message["wake"])):
                one.wake()
            elif "stuck" in message and (one := self.served.get(message["deployment"])):
                one.restart(message["stuck"])
            elif "gone" in message:
                log.warning("the gateway is gone: another one is started")
                self.stats = {}

    def _gateway(self, now: float) -> None:
        """It runs as long as there are endpoints."""
        if self.endpoints:
            self._lonely_since = None
            if not self.gateway.lives:
                self.gateway.ensure()
                self._table = ""
        elif self.gateway.lives:
            self._lonely_since = self._lonely_since or now
            if now - self._lonely_since > IDLE_S:
                self.gateway.end()

    # --- the routing table ---

    def _publish(self) -> None:
        """Write the table if it is another one, and wait until it is in force."""
        told = {key: self._endpoint(one) for key, one in self.endpoints.items()}
        for key, one in self.served.items():
            endpoint, _, name = key.rpartition("/")
            if endpoint in told:
                told[endpoint]["deployments"][name] = one.entry()
        text = json.dumps(told, sort_keys=True)
        if text == self._table:
            return
        self._generation += 1
        staged = self.folder / ".routes.json"
        descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump({"generation": self._generation, "admin": self._admin(), "endpoints": told}, file)
        staged.replace(self.folder / "routes.json")
        self._table = text
        if self.gateway.lives and not self.gateway.load(self._generation, LOAD_S):
            log.warning("the gateway did not take the new routing table in time")

    def _admin(self) -> list[str]:
        """The token of the server opens the metrics of every endpoint."""
        try:
            return [hashlib.sha256((self.ctx.home.root / "token").read_bytes().hex().encode()).hexdigest()]
        except OSError:  # an embedded platform has none
            return []

    def _endpoint(self, record: EndpointRecord) -> dict[str, Any]:
        keys = self.ctx.vault.decrypt(record.secret or b"")
        tokens = uses_tokens(record)
        hashes = [hashlib.sha256(keys[name].encode()).hexdigest() for name in ("primary", "secondary")]
        return {
            "keys": [] if tokens else hashes,
            "token_secret": keys["token_secret"] if tokens else None,
            "stopped": is_stopped(record),
            "traffic": {name: share for name, share in (record.spec.get("traffic") or {}).items() if share},
            "mirror": {name: share for name, share in (record.spec.get("mirror_traffic") or {}).items() if share},
            "deployments": {},
        }

    # --- what the database is told ---

    def _settle(self, one: Served) -> None:
        """The state of a deployment, once it is decided."""
        record = one.record
        if record.state not in ("Creating", "Updating"):
            return
        if one.failed is not None and one.failed[0] == record.revision:
            self._tell(record, "Failed", one.failed[1], {})
        elif one.stopped or (one.current is not None and one.current.number == record.revision):
            if one.current is not None and len(one.current.ready) < min(one.current.wanted, 1):
                return
            if one.current is not None and len(one.current.ready) < int((record.plan or {})["scale"]["min"]):
                return
            hello = one.current.ready[0].hello or {} if one.current and one.current.ready else {}
            lock = list(one.current.prepared.lock) if one.current and one.current.prepared else None
            facts = {
                "serving_revision": one.current.number if one.current else None,
                "micro_batch": int(hello.get("batch") or 1),
                "workers": len(one.current.ready) if one.current else 0,
                "environment_lock": lock,
            }
            if (record.facts or {}).get("all_traffic"):
                self._give_traffic(record)  # it is said to have succeeded once requests reach it
            else:
                self._tell(record, "Succeeded", record.message, facts)

    def _give_traffic(self, record: DeploymentRecord) -> None:
        try:
            with self.ctx.db.write() as connection:
                facts = {**(record.facts or {}), "all_traffic": False}
                store.change_deployment(connection, record, facts=facts)
                endpoint = store.get(connection, record.workspace, KIND, record.endpoint)
                mirror = {k: v for k, v in (endpoint.spec.get("mirror_traffic") or {}).items() if k != record.name}
                if endpoint.spec.get("traffic") != {record.name: 100}:
                    spec = {**endpoint.spec, "traffic": {record.name: 100}, "mirror_traffic": mirror}
                    put(self.ctx, connection, endpoint, spec, f"--all-traffic of deployment {record.name}")
            self._tell_pages(record.workspace)
        except (Conflict, ZaffreError) as error:
            log.info("deployment %s: %s", record.name, error.message)
        self._poke()

    def _tell(self, record: DeploymentRecord, state: str, message: str | None, facts: dict[str, Any]) -> None:
        try:
            with self.ctx.db.write() as connection:
                merged = {**(record.facts or {}), **facts, "all_traffic": False}
                store.change_deployment(connection, record, state=state, message=message, facts=merged)
            self._tell_pages(record.workspace)
        except (Conflict, ZaffreError) as error:  # changed or deleted at this moment: the next look says how it is
            log.info("deployment %s: %s", record.name, error.message)
        self._dirty = True
        self._wake.set()

    def _tell_pages(self, workspace: str) -> None:
        self.ctx.changes.tell(workspace, "online-endpoint")
        self.ctx.changes.tell(workspace, "online-deployment")

    # --- going back ---

    def _watch(self, now: float) -> None:
        for key, endpoint in self.endpoints.items():
            traffic = {name: int(share) for name, share in (endpoint.spec.get("traffic") or {}).items()}
            former = self._traffic.get(key)
            if former is not None and traffic != former:
                self.watches = [one for one in self.watches if one.endpoint != key or one.verb != "traffic"]
                if found := watch.of_traffic(key, former, traffic, self.stats, now):
                    self.watches.append(found)
            self._traffic[key] = traffic
        for key, one in self.served.items():
            number = one.current.number if one.current else 0
            former_number = self._revisions.get(key, 0)
            if former_number and number and number != former_number:
                self.watches = [item for item in self.watches if item.subjects != (key,)]
                self.watches.append(watch.of_revision(key, self.stats, now))
            self._revisions[key] = number
        for one_watch in list(self.watches):
            endpoint_record = self.endpoints.get(one_watch.endpoint)
            if now > one_watch.until or endpoint_record is None:
                self.watches.remove(one_watch)
            elif (reason := one_watch.verdict(self.stats)) is not None:
                self.watches.remove(one_watch)
                self._go_back(endpoint_record, one_watch, reason)

    def _go_back(self, endpoint: EndpointRecord, one: Watch, reason: str) -> None:
        if str((endpoint.spec.get("tags") or {}).get(OFF_TAG, "")).lower() == "false":
            log.warning("endpoint %s: %s; its tag %s keeps the change", endpoint.name, reason, OFF_TAG)
            return
        try:
            with self.ctx.db.write() as connection:
                record = store.get(connection, endpoint.workspace, KIND, endpoint.name)
                change = last(connection, record)
                if change is None or change.verb != one.verb:
                    return
                take_back(self.ctx, connection, record, change, reason)
            self._tell_pages(endpoint.workspace)
            log.warning("endpoint %s was rolled back: %s", endpoint.name, reason)
        except ZaffreError as error:
            log.warning("endpoint %s could not be rolled back: %s", endpoint.name, error.message)
        self.watches = [item for item in self.watches if item.endpoint != one.endpoint]
        self._dirty = True
        self._wake.set()

    # --- after a restart ---

    def _tidy(self) -> None:
        """A worker whose place is gone ends itself: so do those that a server started and died before it noted them."""
        known = {path for one in self.served.values() for path in one.paths}
        for path in (self.folder / SOCKETS).glob("*.sock"):
            if f"{SOCKETS}/{path.name}" not in known:
                log.warning("a worker that belongs to no deployment is ended: %s", path.name)
                path.unlink(missing_ok=True)
        self._look_for_containers()

    def _look_for_containers(self) -> None:
        engine = self.ctx.containers
        self._contained |= any(one.containers for one in self.served.values())
        if self._contained and engine is not None and engine.missing() is None:
            self._boxes = self.pool.submit(engine.ours)

    def _tidy_containers(self) -> None:
        """Containers of ours that nobody looks after, as the last look at all of them has it, are removed."""
        looked, engine = self._boxes, self.ctx.containers
        if looked is None or not looked.done() or engine is None:
            return
        self._boxes = None
        if error := looked.exception():
            log.warning("the container engine cannot be asked what runs: %s", error)
            return
        known = {name for one in self.served.values() for name in one.containers}  # later than what was looked at
        left = [name for name in looked.result() if name not in known]
        if left:
            log.warning("containers that belong to no deployment are removed: %s", ", ".join(left))
            self.pool.submit(engine.remove, left)
        self._contained = bool(left)

    def _sweep(self) -> None:
        """Deployments that were deleted while no server ran: their workers end, their folders go."""
        with self.ctx.db.read() as connection:
            known = {
                self.ctx.home.deployment(one.workspace, one.endpoint, one.name)
                for one in store.deployments_of(connection, KIND)
            }
        for path in self.folder.glob("*/*/*/state.json"):
            if path.parent in known:
                continue
            told = serving.state_of(path.parent)
            for one in told["workers"] if told else ():
                worker.stop(self.compute, Worker.adopted(one), self.folder)
            path.unlink(missing_ok=True)
