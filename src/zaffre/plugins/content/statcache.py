"""Which content an unchanged file has, so that hashing a folder again reads no content.

A row belongs to a device and inode, and holds only while name, size, mtime and ctime are the same. The folder's path
takes no part, so that a renamed or moved folder is known at once. ctime finds what mtime hides (`touch -r`, `cp -p`
over a file). As in git, a file changed so shortly before it was read that a further change could leave the same
time stamps is not remembered. Losing this file costs time only, so every failure to read or write it is let pass.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from zaffre.base.errors import ZaffreError
from zaffre.plugins.content.index import connect

VERSION = 1
SCHEMA = """
create table files (
    device integer not null, inode integer not null, name text not null, size integer not null,
    mtime_ns integer not null, ctime_ns integer not null, hash blob not null, primary key (device, inode)
) without rowid;
"""
LARGEST = 2**29  # bytes of the file, above which it is emptied: some five million files
FINE_NS, COARSE_NS = 50_000_000, 2_000_000_000  # granularity of time stamps, with room: Linux ticks; FAT and old NFS
SIGN = 2**63  # inodes are unsigned, SQLite's integers are not

Known = tuple[str, os.stat_result]  # name and stat of one file


class StatCache:
    """Safe for threads and processes; never raises."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._pid = 0
        self._connection: sqlite3.Connection | None = None

    def lookup(self, files: Sequence[Known]) -> list[bytes | None]:
        """The hash of each file as far as it is known."""
        devices: dict[int, dict[int, tuple[str, int, int, int, bytes]]] = {}
        with self._lock, contextlib.suppress(sqlite3.Error, OSError, ZaffreError):
            for device in {status.st_dev for _, status in files}:
                inodes = sorted(signed(status.st_ino) for _, status in files if status.st_dev == device)
                rows = self._open().execute(
                    "select inode, name, size, mtime_ns, ctime_ns, hash from files "
                    "where device = ? and inode in (select value from json_each(?))",
                    (signed(device), json.dumps(inodes)),
                )
                devices[device] = {row[0]: row[1:] for row in rows}
        found: list[bytes | None] = []
        for name, status in files:
            row = devices.get(status.st_dev, {}).get(signed(status.st_ino))
            same = row is not None and row[:4] == (name, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            found.append(row[4] if row is not None and same else None)
        return found

    def remember(self, files: Iterable[tuple[str, os.stat_result, bytes, int]]) -> None:
        """Name, stat, hash and the moment (ns since 1970) before the first byte was read, of each file."""
        rows = [
            (signed(s.st_dev), signed(s.st_ino), name, s.st_size, s.st_mtime_ns, s.st_ctime_ns, hash_)
            for name, s, hash_, read_ns in files
            if settled(s, read_ns)
        ]
        if not rows:
            return
        rows.sort()
        with self._lock, contextlib.suppress(sqlite3.Error, OSError, ZaffreError):
            connection = self._open()
            connection.execute("begin immediate")
            try:
                if self.path.stat().st_size > LARGEST:
                    connection.execute("delete from files")
                connection.executemany("insert or replace into files values (?, ?, ?, ?, ?, ?, ?)", rows)
                connection.execute("commit")
            except BaseException:
                connection.execute("rollback")
                raise

    def _open(self) -> sqlite3.Connection:
        if self._connection is None or self._pid != os.getpid():
            self._connection = connect(self.path, SCHEMA, VERSION)
            self._connection.execute("pragma synchronous = normal")
            self._pid = os.getpid()
        return self._connection

    def close(self) -> None:
        with self._lock:
            if self._connection is not None and self._pid == os.getpid():
                self._connection.close()
            self._connection = None


def settled(status: os.stat_result, read_ns: int) -> bool:
    """Whether a change after the file was read would show in its time stamps."""
    newest = max(status.st_mtime_ns, status.st_ctime_ns)
    granularity = COARSE_NS if newest % 1_000_000_000 == 0 else FINE_NS
    return newest + granularity < read_ns


def now_ns() -> int:
    return time.time_ns()


def signed(number: int) -> int:
    return number - 2 * SIGN if number >= SIGN else number
