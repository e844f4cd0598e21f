"""What the last build of an environment printed, kept for a look: beside the environment, or instead of it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import time
from collections import deque
from pathlib import Path
from typing import BinaryIO

from zaffre.base.errors import ZaffreError
from zaffre.plugins.virtualenv.places import Places
from zaffre.ports.environment import BuildLog

KEPT_BYTES = 2 << 20  # of one log: its beginning
END_BYTES = 64 << 10  # and its end, where the reason of a failure stands
KEPT_SECONDS = 30 * 86_400.0  # of a build that failed
CANCELED = "EnvironmentBuildCanceled"


class LogFile:
    """A log that is written line by line and never grows beyond `KEPT_BYTES` and its end. A full disk is suffered."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.size = self.left_out = self.end_size = 0
        self.end: deque[bytes] = deque()

    def line(self, text: str) -> None:
        data = text.encode("utf-8", "replace") + b"\n"
        if self.size + len(data) <= KEPT_BYTES and not self.end:
            self.size += len(data)
            self._write(data)
            return
        data = data[-END_BYTES:]
        self.end.append(data)
        self.end_size += len(data)
        while self.end_size > END_BYTES:
            self.end_size -= len(self.end.popleft())
            self.left_out += 1

    def close(self) -> None:
        """What was kept back of the end is written now."""
        if self.left_out:
            self._write(f"... {self.left_out} lines are left out here ...\n".encode())
        self._write(b"".join(self.end))

    def _write(self, data: bytes) -> None:
        with contextlib.suppress(OSError):  # a full disk: the builder itself meets it, and says so
            self.file.write(data)


def keep(places: Places, key: str, build: str, error: ZaffreError | None) -> None:
    """The build has ended: its log becomes that of the environment. Others may still read it by its former name."""
    kept, told = places.build_log(key), places.build_error(key)
    with contextlib.suppress(OSError):
        if error is None:
            told.unlink(missing_ok=True)
        else:
            _replace(told, json.dumps(error.body()))
        draft = kept.with_suffix(f".{secrets.token_hex(4)}")
        try:
            os.link(places.log(build), draft)
        except OSError:  # a file system without second names
            shutil.copyfile(places.log(build), draft)
        draft.replace(kept)


def _replace(path: Path, text: str) -> None:
    draft = path.with_suffix(f".{secrets.token_hex(4)}")
    draft.write_text(text)
    draft.replace(path)


def read_log(places: Places, key: str, standing: bool) -> BuildLog:
    """How it stands with the build of an environment, and where its log lies."""
    if (build := under_way(places, key)) is not None:
        return BuildLog("building", places.log(build))
    kept = places.build_log(key)
    log = kept if kept.exists() else None
    if standing:
        return BuildLog("built", log)
    if log is None:
        return BuildLog("absent")
    try:
        error = json.loads(places.build_error(key).read_text())
    except (OSError, ValueError):
        return BuildLog("absent", log)  # it stood, and was removed by hand
    return BuildLog("canceled" if error.get("code") == CANCELED else "failed", log, error)


def under_way(places: Places, key: str) -> str | None:
    """The id of the build that somebody is at, in any process."""
    try:
        descriptor = os.open(places.lock(key), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        build = os.pread(descriptor, 200, 0).decode("ascii", "replace")
        if not build or not places.log(build).exists():
            return None
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return build
    finally:
        os.close(descriptor)
    return None


def forget(places: Places, key: str) -> None:
    places.build_log(key).unlink(missing_ok=True)
    places.build_error(key).unlink(missing_ok=True)


def forget_old(places: Places, seconds: float = KEPT_SECONDS) -> None:
    """Logs of so long ago whose environment does not stand: of builds that failed."""
    oldest = time.time() - seconds
    for path in (places.root / ".build-logs").iterdir():
        key = path.name.partition(".")[0]
        with contextlib.suppress(OSError, ValueError):
            if path.stat().st_mtime < oldest and not places.facts(key).exists():
                path.unlink()
