"""Garbage collection: removing what no living tree needs, beside uploads that are under way.

Marking runs outside any transaction. Then one transaction spares the trees that were stored or asked for since,
takes the dead rows out, and counts itself in `deletions`, which an upload compares before it makes its tree visible.
Files go last, each in a transaction that looks whether its row came back. A crash between leaves files without a
row, which the next collection removes.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from zaffre.base.errors import NotFound, Unavailable
from zaffre.core.manifest import parse
from zaffre.plugins.content.folder import OPEN, Folder, remove
from zaffre.plugins.content.index import Index
from zaffre.plugins.content.ingest import Ingest
from zaffre.plugins.content.read import Reader
from zaffre.ports.content import GcReport

MOSTLY_DEAD = 0.5  # of the bytes of a pack; then what lives moves to a new one
SMALL_PACK, MANY = 2**20, 32  # bytes; so many small packs are put together


@dataclass
class Dead:
    """What may go."""

    objects: dict[bytes, tuple[int, int | None]] = field(default_factory=dict)  # hash -> size, pack
    trees: list[bytes] = field(default_factory=list)


def collect(roots: set[bytes], folder: Folder, index: Index, *, dry_run: bool, grace_s: float) -> GcReport:
    before = time.time() - grace_s
    live = Live(folder, index)
    live.mark(roots)
    if dry_run:
        with index.read() as db:
            dead = find_dead(db, live, before)
        freed_files = leftovers(folder, index, before, dry_run=True)
    else:
        with index.write() as db:
            dead = find_dead(db, live, before)
            db.executemany("delete from trees where root = ?", [(root,) for root in dead.trees])
            db.executemany("delete from objects where hash = ?", [(hash_,) for hash_ in dead.objects])
            db.executemany("delete from unsettled where hash = ?", [(hash_,) for hash_ in dead.objects])
            if dead.objects or dead.trees:
                db.execute("update counters set value = value + 1 where name = 'deletions'")
        for root in dead.trees:
            drop_tree(root, folder, index)
        for hash_, (_, pack) in dead.objects.items():
            if pack is None:
                drop_object(hash_, folder, index)
        repack(folder, index)
        freed_files = leftovers(folder, index, before, dry_run=False)
    return GcReport(
        objects=len(dead.objects),
        bytes=sum(size for size, _ in dead.objects.values()),
        trees=len(dead.trees),
        leftover_bytes=freed_files,
        dry_run=dry_run,
    )


class Live:
    """The objects that living trees need."""

    def __init__(self, folder: Folder, index: Index) -> None:
        self.folder, self.index = folder, index
        self.hashes: set[bytes] = set()
        self.trees: set[bytes] = set()

    def mark(self, roots: Iterable[bytes]) -> None:
        """A root that is no tree is a living object; one that is not here needs nothing."""
        with Reader(self.folder, self.index) as reader:
            for root in roots:
                if root in self.trees:
                    continue
                self.hashes.add(root)
                if not self.index.has_tree(root):
                    continue
                self.trees.add(root)
                with contextlib.suppress(NotFound), reader.open(root) as file:
                    self.hashes.update(bytes.fromhex(entry.hash) for entry in parse(file.read()).entries)


def find_dead(db: sqlite3.Connection, live: Live, before: float) -> Dead:
    """Within the caller's transaction: nobody can add to what is found here."""
    live.mark([row[0] for row in db.execute("select root from trees where seen >= ?", (int(before),)).fetchall()])
    dead = Dead()
    dead.trees = [row[0] for row in db.execute("select root from trees") if row[0] not in live.trees]
    for hash_, size, pack in db.execute("select hash, size, pack from objects where seen < ?", (int(before),)):
        if hash_ not in live.hashes:
            dead.objects[hash_] = size, pack
    return dead


def drop_tree(root: bytes, folder: Folder, index: Index) -> None:
    """Take the shared folder away whole, then delete it."""
    final = folder.trees / root.hex()
    if not final.is_dir():
        return
    with folder.staging() as staging, index.write() as db:
        if db.execute("select 1 from trees where root = ?", (root,)).fetchone() is not None:
            return
        os.chmod(final, OPEN)
        final.rename(staging / root.hex())


def drop_object(hash_: bytes, folder: Folder, index: Index) -> None:
    with index.write() as db:
        if db.execute("select 1 from objects where hash = ?", (hash_,)).fetchone() is None:
            remove(folder.object(hash_.hex()))


def repack(folder: Folder, index: Index) -> None:
    """Move the living objects out of packs that are mostly dead or tiny; delete packs without any."""
    with index.read() as db:
        rows = db.execute(
            "select packs.id, name, coalesce(sum(size), 0) + 40 * count(hash), count(hash) from packs "
            "left join objects on objects.pack = packs.id group by packs.id"
        ).fetchall()
    sizes = {number: size_of(folder.packs / name) for number, name, _, _ in rows}
    tiny = {number for number, _, _, count in rows if count and sizes[number] < SMALL_PACK}
    moving = [
        number
        for number, _, alive, count in rows
        if count and (alive < MOSTLY_DEAD * sizes[number] or (number in tiny and len(tiny) >= MANY))
    ]
    with contextlib.suppress(Unavailable):  # a damaged object stays where it is, for scrub to name
        move(moving, folder, index)
    for number, name, _, count in rows:
        if not count or number in moving:
            drop_pack(number, folder.packs / name, index)


def move(packs: list[int], folder: Folder, index: Index) -> None:
    with Ingest(folder, index, moving=True) as ingest, Reader(folder, index) as reader:
        for pack in packs:
            with index.read() as db:
                rows = db.execute("select hash from objects where pack = ? order by offset", (pack,)).fetchall()
            places = index.places([hash_ for (hash_,) in rows])
            for hash_, place in places.items():
                if place.pack == pack:
                    ingest.small(hash_, reader.packed(hash_, place))
        ingest.publish()


def drop_pack(number: int, path: Path, index: Index) -> None:
    with index.write() as db:
        if db.execute("select 1 from objects where pack = ?", (number,)).fetchone() is None:
            db.execute("delete from packs where id = ?", (number,))
        else:
            return
    remove(path)


def size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def leftovers(folder: Folder, index: Index, before: float, *, dry_run: bool) -> int:
    """Files without a row and staging folders of killed processes; the bytes they hold."""
    freed = 0
    for place in folder.abandoned(before):
        freed += sum(size_of(Path(top) / name) for top, _, names in os.walk(place) for name in names)
        if not dry_run:
            remove(place)
    with index.read() as db:
        names = {row[0] for row in db.execute("select name from packs")}
    for path in folder.packs.iterdir():
        if path.name not in names and path.stat().st_ctime < before:
            freed += size_of(path)
            if not dry_run:
                remove(path)
    for path in folder.objects.glob("??/*"):
        hash_ = bytes.fromhex(path.name)
        if hash_ not in index.places([hash_]) and path.stat().st_ctime < before:
            freed += size_of(path)
            if not dry_run:
                drop_object(hash_, folder, index)
    return freed
