"""The folder of the store on disk: its places, staging that cleans up after itself, and what a full disk becomes.

    index.db            hash -> where it lies (SQLite)          stat.db   unchanged files need no reading (SQLite)
    packs/*.pack        many small objects in one file          objects/ab/<hash>   one large object each
    trees/<root>/       read-only folders, shared by jobs       incoming/<token>/   being written, seen by nobody

A staging folder is locked (flock) by its process for as long as it lives; what a killed process left is unlocked,
and so can be told from an upload under way.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

from zaffre.base.errors import Unavailable, ZaffreError
from zaffre.base.ids import token

NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
STAMP_NS = 946_684_800 * 10**9  # 2000-01-01: every file of the store has this mtime, so a changed one shows at once

OPEN, CLOSED = 0o755, 0o555  # modes of folders being written and of shared ones


class Folder:
    """The places of one content store; makes them when they are missing."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.index = root / "index.db"
        self.stat = root / "stat.db"
        self.packs = root / "packs"
        self.objects = root / "objects"
        self.trees = root / "trees"
        self.incoming = root / "incoming"
        with storage(root):
            if not self.incoming.is_dir():  # the last one made: the others are there
                for place in (self.packs, self.objects, self.trees, self.incoming):
                    place.mkdir(parents=True, exist_ok=True)

    def object(self, hash: str) -> Path:
        return self.objects / hash[:2] / hash

    @contextlib.contextmanager
    def staging(self) -> Iterator[Path]:
        """A new folder under `incoming/`, locked, and removed with all that is still in it at the end."""
        place = self.incoming / token(16)
        with storage(self.root):
            place.mkdir()
            lock = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield place
        finally:
            remove(place)
            os.close(lock)

    def abandoned(self, before_s: float) -> Iterator[Path]:
        """Staging folders whose process is gone, last changed before that moment (seconds since 1970)."""
        for place in sorted(self.incoming.iterdir()):
            with contextlib.suppress(OSError):
                lock = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                try:
                    if os.fstat(lock).st_mtime < before_s:
                        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        yield place
                finally:
                    os.close(lock)


@contextlib.contextmanager
def storage(root: Path) -> Iterator[None]:
    """Turns what the operating system and SQLite say of a disk into `Unavailable` that names the folder."""
    try:
        yield
    except ZaffreError:
        raise
    except OSError as error:
        if error.errno in NO_SPACE:
            raise full(root) from error
        raise Unavailable(
            f"the content store {root} cannot be used: {error.strerror or error}",
            code="StorageFailed",
            hint="check that the folder exists, is writable and on a healthy disk",
        ) from error
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
            raise full(root) from error
        raise Unavailable(
            f"the index of the content store {root} does not answer: {error}", code="StorageFailed"
        ) from error


def full(root: Path) -> Unavailable:
    return Unavailable(
        f"no space is left for the content store {root}; nothing of this was stored",
        code="DiskFull",
        hint="free space on that disk, for instance with `zaffre storage gc`, and try again",
    )


def room_for(root: Path, size: int) -> None:
    """Raises `Unavailable` at once when a file of this size cannot fit, rather than after writing most of it."""
    found = os.statvfs(root)
    if size > found.f_bavail * found.f_frsize:
        raise full(root)


def sync_folder(path: Path) -> None:
    """Make renames inside a folder survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def seal(descriptor: int) -> None:
    """Read-only, with the time stamp of the store."""
    os.fchmod(descriptor, 0o444)
    os.utime(descriptor, ns=(STAMP_NS, STAMP_NS))


def remove(path: Path) -> None:
    """Delete a file or a folder, read-only folders too; what is gone already is no error."""
    if not path.is_dir() or path.is_symlink():
        with contextlib.suppress(OSError):
            path.unlink()
        return
    for folder, names, _ in os.walk(path):
        for name in [".", *names]:
            inner = os.path.join(folder, name)
            with contextlib.suppress(OSError):
                if not stat.S_ISLNK(os.lstat(inner).st_mode):
                    os.chmod(inner, 0o700)
    shutil.rmtree(path, ignore_errors=True)


def boot_id() -> str | None:
    """Names this run of the operating system: what was written under another one may have been lost with the power."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
