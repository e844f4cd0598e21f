"""Where each object lies: a SQLite file (WAL) that several processes use at once, with short transactions.

`seen` is when an object or tree was last stored or asked for (seconds since 1970); collection leaves alone what was
seen a short while ago. `deletions` counts collections, so that an upload notices one that ran beside it.
`unsettled` are large objects whose bytes may not have reached the disk yet, with the boot they were written under.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from zaffre.base.errors import Unavailable
from zaffre.plugins.content.folder import storage

VERSION = 1
BATCH = 1000  # variables of one query; SQLite allows 32,766
SCHEMA = """
create table packs (id integer primary key, name text not null unique);
create table objects (
    hash blob primary key, size integer not null, pack integer, offset integer, seen integer not null
) without rowid;
create index objects_by_pack on objects (pack) where pack is not null;
create table trees (root blob primary key, seen integer not null) without rowid;
create table unsettled (hash blob primary key, boot text not null) without rowid;
create table counters (name text primary key, value integer not null) without rowid;
insert into counters values ('deletions', 0);
"""


class Place(NamedTuple):
    """Where an object lies: `offset` in the pack with that number, or (pack None) in a file of its own."""

    size: int
    pack: int | None
    offset: int | None


class Index:
    """All SQL of the content store. Safe for threads; a fork gets its own connection."""

    def __init__(self, path: Path) -> None:
        self.path, self.root = path, path.parent
        self._lock = threading.RLock()
        self._pid = 0
        self._connection: sqlite3.Connection | None = None
        self._packs: dict[int, str] = {}

    @contextlib.contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        with self._lock, storage(self.root):
            yield self._open()

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction; the only writer at that moment among all processes."""
        with self._lock, storage(self.root):
            connection = self._open()
            connection.execute("begin immediate")
            try:
                yield connection
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("rollback")
                raise
            connection.execute("commit")

    def _open(self) -> sqlite3.Connection:
        if self._connection is None or self._pid != os.getpid():
            self._connection = connect(self.path, SCHEMA, VERSION)
            self._connection.execute("pragma synchronous = full")
            self._pid = os.getpid()
        return self._connection

    def close(self) -> None:
        with self._lock:
            if self._connection is not None and self._pid == os.getpid():
                self._connection.close()
            self._connection = None

    # --- objects

    def places(self, hashes: Iterable[bytes]) -> dict[bytes, Place]:
        """Those of these objects that are here."""
        found: dict[bytes, Place] = {}
        with self.read() as db:
            for batch in batches(hashes):
                rows = db.execute(f"select hash, size, pack, offset from objects where hash in ({marks(batch)})", batch)  # noqa: S608
                found.update((row[0], Place(*row[1:])) for row in rows)
        return found

    def present(self, hashes: Iterable[bytes]) -> set[bytes]:
        """Which of these objects are here."""
        found: set[bytes] = set()
        with self.read() as db:
            for batch in batches(hashes):
                rows = db.execute(f"select hash from objects where hash in ({marks(batch)})", batch)  # noqa: S608
                found.update(row[0] for row in rows)
        return found

    def pack_name(self, pack: int) -> str | None:
        """The file name of a pack; None when it was collected."""
        if pack not in self._packs:
            with self.read() as db:
                row = db.execute("select name from packs where id = ?", (pack,)).fetchone()
            if row is None:
                return None
            self._packs[pack] = row[0]
        return self._packs[pack]

    def touch(self, hashes: Iterable[bytes], now_s: int, older_than_s: int) -> None:
        """Mark as asked for what was not marked lately, so that no collection takes it for a while."""
        with self.read() as db:
            stale: list[bytes] = []
            for batch in batches(hashes):
                rows = db.execute(
                    f"select hash from objects where seen < ? and hash in ({marks(batch)})",  # noqa: S608
                    [older_than_s, *batch],
                )
                stale += [row[0] for row in rows]
        if stale:
            with self.write() as db:
                db.executemany("update objects set seen = ? where hash = ?", [(now_s, hash_) for hash_ in stale])

    # --- trees

    def has_tree(self, root: bytes) -> bool:
        with self.read() as db:
            return db.execute("select 1 from trees where root = ?", (root,)).fetchone() is not None

    def deletions(self) -> int:
        with self.read() as db:
            return int(db.execute("select value from counters where name = 'deletions'").fetchone()[0])

    # --- large objects on their way to the disk

    def unsettled(self) -> list[tuple[bytes, str]]:
        with self.read() as db:
            return db.execute("select hash, boot from unsettled").fetchall()

    def settled(self, hashes: Sequence[bytes]) -> None:
        with self.write() as db:
            db.executemany("delete from unsettled where hash = ?", [(hash_,) for hash_ in hashes])


def connect(path: Path, schema: str, version: int) -> sqlite3.Connection:
    """Open or make a SQLite file in WAL mode. Raises `Unavailable` if a newer version of the program made it."""
    connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    try:
        found = connection.execute("pragma user_version").fetchone()[0]
        if found == 0:
            connection.execute("pragma journal_mode = wal")
            connection.execute("begin immediate")
            if connection.execute("pragma user_version").fetchone()[0] == 0:  # no other process was quicker
                for statement in schema.split(";"):
                    connection.execute(statement)
                connection.execute(f"pragma user_version = {version}")
            connection.execute("commit")
        elif found > version:
            raise Unavailable(
                f"{path} was made by a newer version of the program (format {found}, this one knows {version})",
                code="NewerFormat",
                hint="use the newer version, or another home folder",
            )
    except BaseException:
        connection.close()
        raise
    return connection


def batches(values: Iterable[bytes]) -> Iterator[list[bytes]]:
    iterator = iter(values)
    while batch := list(islice(iterator, BATCH)):
        yield batch


def marks(batch: Sequence[bytes]) -> str:
    return ",".join("?" * len(batch))
