"""One build for many waiters, in any thread and any process: who gets the lock builds, the others read along."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from typing import BinaryIO

from zaffre.base.errors import Conflict, ZaffreError, from_body
from zaffre.plugins.virtualenv.build_log import CANCELED, LogFile, forget_old, keep
from zaffre.plugins.virtualenv.places import Places

POLL_SECONDS = 0.05
KEPT_SECONDS = 3600  # a failed build's log and reason, for those still waiting for it


class Lock:
    """The lock of one key. The kernel frees it when its holder, and the uv that it started, have ended."""

    def __init__(self, places: Places, key: str) -> None:
        self.descriptor = os.open(places.lock(key), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def take(self) -> bool:
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def build(self) -> str:
        """Id of the build that is under way, as its builder wrote it."""
        return os.pread(self.descriptor, 200, 0).decode("ascii", "replace")

    def announce(self, build: str) -> None:
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, build.encode(), 0)

    def close(self) -> None:
        os.close(self.descriptor)


@contextlib.contextmanager
def locked(places: Places, key: str) -> Iterator[Lock]:
    lock = Lock(places, key)
    try:
        yield lock
    finally:
        lock.close()


class Reader:
    """Follows the log of the build under way."""

    def __init__(self, places: Places, log: Callable[[str], None]) -> None:
        self.places, self.log = places, log
        self.build, self.pending = "", b""
        self.file: BinaryIO | None = None

    def read(self, build: str) -> None:
        if build and build != self.build:
            self.close()
            self.build = build
        if self.build and self.file is None:
            with contextlib.suppress(FileNotFoundError):
                self.file = self.places.log(self.build).open("rb")
        if self.file is not None:
            *lines, self.pending = (self.pending + self.file.read()).split(b"\n")
            for line in lines:
                self.log(line.decode("utf-8", "replace"))

    def close(self) -> None:
        if self.file is not None:
            self.file.close()
        self.file, self.pending = None, b""


def build_once(
    places: Places,
    key: str,
    standing: Callable[[], bool],
    make: Callable[[Callable[[str], None], int], None],
    log: Callable[[str], None],
    cancelled: Callable[[], bool],
) -> None:
    """Call `make(log, lock)` unless somebody else does or did; returns when the environment stands.

    A failure is shared by all who waited for that build. If the builder was killed or cancelled, one of the waiters
    builds. Raises what `make` raised, or `Conflict` (code `EnvironmentBuildCanceled`).
    """
    with locked(places, key) as lock:
        if not lock.take():
            wait(places, lock, standing, log, cancelled)
        if standing():
            return
        build = f"{key}-{secrets.token_hex(4)}"
        sweep_logs(places)
        forget_old(places)
        with places.log(build).open("wb", buffering=0) as file:
            lock.announce(build)

            written = LogFile(file)

            def both(line: str) -> None:
                written.line(line)
                log(line)

            try:
                make(both, lock.descriptor)
            except ZaffreError as error:
                written.close()
                keep(places, key, build, error)
                if error.code != CANCELED:
                    with contextlib.suppress(OSError):  # a full disk: each waiter finds out for itself
                        places.failure(build).write_text(json.dumps({"status": error.status, **error.body()}))
                raise
            written.close()
            keep(places, key, build, None)
        with contextlib.suppress(OSError):
            places.log(build).unlink()


def wait(
    places: Places,
    lock: Lock,
    standing: Callable[[], bool],
    log: Callable[[str], None],
    cancelled: Callable[[], bool],
) -> None:
    log("        waiting for the build of this environment that is under way")
    reader = Reader(places, log)
    try:
        while not lock.take():
            if cancelled():
                raise Conflict("Waiting for the environment was cancelled", code=CANCELED)
            reader.read(lock.build())
            time.sleep(POLL_SECONDS)
        reader.read(reader.build or lock.build())
        failure = places.failure(reader.build) if reader.build else None
        if failure is not None and not standing() and failure.exists():
            try:
                body = json.loads(failure.read_text())
            except ValueError:  # cut off by a full disk
                return
            raise from_body(body.pop("status", 400), body)
    finally:
        reader.close()


def sweep_logs(places: Places) -> None:
    oldest = time.time() - KEPT_SECONDS
    for path in (places.root / ".logs").iterdir():
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < oldest:
                path.unlink()
