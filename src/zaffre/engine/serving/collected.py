"""What data collectors wrote goes to its datastore, as parquet where pyarrow is installed. No answer waits for it.

Workers write JSON lines into a folder of the home, one for each deployment and destination. A file that its writer has
let go becomes parquet beside it, by a program of its own; what is ready is then published: renamed into a local
datastore, uploaded to a remote one. Names are made once, by the writer. So whatever is killed, it is done again with
the same result, and there is never a second copy.
"""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import json
import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from zaffre.base.clock import iso, now_ms
from zaffre.base.errors import NotFound, ZaffreError
from zaffre.engine.serving.gateway import environment
from zaffre.engine.serving.spool import FIRST_PAUSE_S, KEYS, PLACE, Spool, age, keep
from zaffre.plugins.collected.convert import sync
from zaffre.services import places
from zaffre.services.context import Context

log = logging.getLogger("zaffre.collected")
LOOK_S = 2.0
CLOSE_S, CLOSE_BYTES = 300.0, 64 << 20  # a file is let go after so long, or when it is so large
FILES = 64  # that one program converts
CONVERT_S = 600.0
TRIES = 3  # then the lines are published as they are
LONGEST_PAUSE_S = 300.0
HELD_BYTES = 10 << 30  # of one folder; what a datastore does not take for so long goes, the oldest first
MODULE = "zaffre.plugins.collected.convert"


def converts() -> bool:
    return importlib.util.find_spec("pyarrow") is not None


class Collected:
    """`start` begins a thread that looks every few seconds; `stop` leaves everything for the next one."""

    def __init__(self, ctx: Context, command: list[str] | None = None) -> None:
        self.ctx = ctx
        self.command = command or [sys.executable, "-m", MODULE]
        self.spools: dict[str, Spool] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="collected", daemon=True)

    def start(self) -> None:
        for spool in self._look():
            place = spool.place
            deployment = self.ctx.home.deployment(place["workspace"], place["endpoint"], place["deployment"])
            if spool.empty and not deployment.exists():
                shutil.rmtree(spool.folder, ignore_errors=True)
                del self.spools[spool.folder.name]
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=30)

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_S):
            try:
                self.turn(time.monotonic())
            except Exception:
                log.exception("the data that was collected could not be looked at")

    def turn(self, now: float) -> None:
        """Convert and publish what is complete. Uploads go on in a thread for each folder."""
        for spool in self._look():
            try:
                self._convert(spool)
                self._bound(spool)
                if now >= spool.next_push and (spool.pushing is None or not spool.pushing.is_alive()):
                    self._push(spool)
            except OSError as error:
                self._say(spool, f"data collector: {error.strerror or error}")
            except Exception:  # the others go on
                log.exception("what %s collected could not be looked at", spool.folder.name)

    def _look(self) -> Iterator[Spool]:
        try:
            names = sorted(os.listdir(self.ctx.home.collected))
        except OSError:
            return
        for name in names:
            if name not in self.spools:
                folder = self.ctx.home.collected / name
                try:
                    told = json.loads((folder / PLACE).read_text())
                    self.spools[name] = Spool(folder, {key: str(told[key]) for key in KEYS})
                except (OSError, ValueError, LookupError, TypeError):
                    continue
            yield self.spools[name]

    # --- to parquet ---

    def _convert(self, spool: Spool) -> None:
        complete = list(spool.complete())[:FILES]
        if not converts():
            for path in complete:
                keep(path)
            return
        while complete and not self._stopping.is_set():
            said = self._run_program(spool, complete)
            torn = sum(one.get("torn", 0) for one in said)
            if torn:
                self._say(spool, f"data collector: {torn} records were cut off when their worker ended")
            done, complete = complete[: len(said)], complete[len(said) :]
            for path in done:
                spool.tries.pop(path.name, None)
            if not complete or self._stopping.is_set():
                return
            wrong, complete = complete[0], complete[1:]  # at which the program failed
            spool.tries[wrong.name] = spool.tries.get(wrong.name, 0) + 1
            if spool.tries[wrong.name] >= TRIES:
                self._say(spool, f"data collector: {wrong.name} cannot become parquet and stays JSON lines")
                keep(wrong)
                del spool.tries[wrong.name]

    def _run_program(self, spool: Spool, paths: list[Path]) -> list[dict[str, Any]]:
        """What it said of each, in order, until it failed."""
        facts = {name: spool.place[name] for name in ("workspace", "endpoint", "deployment")}
        tasks = [
            {"source": str(path), "target": str(path.with_suffix(".parquet")),
             "place": {**facts, "collection": path.name.partition(".")[0]}}
            for path in paths
        ]  # fmt: skip
        with subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True, env=environment(), cwd=spool.folder,
        ) as process:  # fmt: skip
            out = err = b""
            asked: bytes | None = json.dumps(tasks).encode()
            end = time.monotonic() + CONVERT_S
            while True:
                try:
                    out, err = process.communicate(asked, timeout=0.2)
                    break
                except subprocess.TimeoutExpired:
                    asked = None
                    if self._stopping.is_set() or time.monotonic() > end:
                        process.kill()
        if process.returncode and not self._stopping.is_set():
            log.warning("a program that makes parquet ended with %s: %s", process.returncode, _last(err))
        return _told(out)[: len(paths)]

    # --- to the datastore ---

    def _push(self, spool: Spool) -> None:
        ready = list(spool.ready())
        if not ready:
            return
        try:
            local = self._locate(spool, ready[0][1]).local is not None
        except ZaffreError as error:
            self._wait(spool, error.message)
            return
        if local:
            self._publish(spool, ready, self._rename)
        else:
            words = (spool, ready, self._upload)
            spool.pushing = threading.Thread(target=self._publish, args=words, name="upload", daemon=True)
            spool.pushing.start()

    def _publish(self, spool: Spool, ready: list[tuple[Path, str]], bring: Callable[[Spool, Path, str], None]) -> None:
        try:
            for path, inner in ready:
                bring(spool, path, inner)
            spool.pause_s = FIRST_PAUSE_S
        except (ZaffreError, OSError) as error:
            self._wait(spool, error.message if isinstance(error, ZaffreError) else error.strerror or str(error))
        except Exception as error:  # of a cloud's client
            log.exception("what was collected could not be uploaded")
            self._wait(spool, type(error).__name__)

    def _wait(self, spool: Spool, reason: str) -> None:
        """A datastore that cannot be reached, or is gone, is asked again, later each time."""
        self._say(spool, f"data collector: what was collected waits for its datastore: {reason}")
        spool.next_push = time.monotonic() + spool.pause_s
        spool.pause_s = min(spool.pause_s * 2, LONGEST_PAUSE_S)

    def _locate(self, spool: Spool, inner: str) -> Any:
        place = places.locate(self.ctx, spool.place["workspace"], f"{spool.place['uri'].rstrip('/')}/{inner}")
        if place.local is None and not self.ctx.remote.writable(place):
            raise NotFound(f"{spool.place['uri']} can be read only", code="CollectorPlace")
        return place

    def _rename(self, spool: Spool, path: Path, inner: str) -> None:
        target: Path = self._locate(spool, inner).local
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            path.replace(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            staged = target.with_name(f".{target.name}.new")  # always the same: a killed server leaves no more than one
            shutil.copyfile(path, staged)
            sync(staged)
            staged.replace(target)
            sync(target.parent)
            path.unlink()
        sync(target.parent)

    def _upload(self, spool: Spool, path: Path, inner: str) -> None:
        if not self._stopping.is_set() and path.exists():
            self.ctx.remote.upload(path, self._locate(spool, inner))
            path.unlink()

    def _bound(self, spool: Spool) -> None:
        waiting = []
        for path, _ in spool.ready():
            with contextlib.suppress(FileNotFoundError):  # uploaded in this moment
                waiting.append((age(path), path, path.stat().st_size))
        total = sum(size for _, _, size in waiting)
        for _, path, size in sorted(waiting):
            if total <= HELD_BYTES:
                return
            path.unlink(missing_ok=True)
            total -= size
            self._say(spool, f"data collector: {HELD_BYTES >> 30} GB wait for their datastore, the oldest are dropped")

    def _say(self, spool: Spool, text: str) -> None:
        """Into the log of the deployment, once; into that of the server where the deployment is gone."""
        if text == spool.told:
            return
        spool.told = text
        place = spool.place
        file = self.ctx.home.deployment(place["workspace"], place["endpoint"], place["deployment"]) / "log.txt"
        try:
            with open(file, "ab") as stream:
                stream.write(f"{iso(now_ms())} {text}\n".encode())
        except OSError:
            log.warning("deployment %s of %s: %s", place["deployment"], place["endpoint"], text)


def _told(out: bytes) -> list[dict[str, Any]]:
    found = []
    for line in out.splitlines():
        try:
            one = json.loads(line)
        except ValueError:
            break
        if not isinstance(one, dict):
            break
        found.append(one)
    return found


def _last(err: bytes) -> str:
    lines = err.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:500] if lines else ""
