"""Taking objects in: written to a staging folder, then renamed into place and entered in the index together.

Order against a power cut: a pack is on the disk before the index names it. A large object is entered as `unsettled`
(writing 2 GB to the disk takes as long as copying it); after a power cut such objects are hashed again before use.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Collection
from pathlib import Path
from typing import Self

from zaffre.plugins.content.folder import Folder, boot_id, remove, sync_folder
from zaffre.plugins.content.index import Index
from zaffre.plugins.content.pack import PACK_BYTES, PackWriter


class Ingest:
    """One taking-in. Nothing of it is visible before `publish`; what was not published vanishes with it.

    `new` has hash -> size of every object that this ingest brought. With `moving` the objects are here already, and
    the index follows them to their new pack.
    """

    def __init__(self, folder: Folder, index: Index, *, moving: bool = False) -> None:
        self.folder, self.index = folder, index
        self.new: dict[bytes, int] = {}
        self._exit = contextlib.ExitStack()
        self._staging: Path | None = None
        self._pack: PackWriter | None = None
        self._large: dict[bytes, tuple[Path, int]] = {}
        self._deletions = index.deletions()
        self._boot = boot_id()
        self._count = 0
        self._moving = moving

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pack is not None:
            with contextlib.suppress(OSError):
                self._pack.close()
        self._exit.close()

    @property
    def staging(self) -> Path:
        if self._staging is None:
            self._staging = self._exit.enter_context(self.folder.staging())
        return self._staging

    def file(self) -> Path:
        """A new name for a large object to be written to."""
        self._count += 1
        return self.staging / f"{self._count}.object"

    def small(self, hash_: bytes, data: bytes) -> None:
        """Put an object into the pack of this ingest. The caller has checked that the store lacks it."""
        if hash_ in self.new:
            return
        if self._pack is None:
            self._count += 1
            self._pack = PackWriter(self.staging / f"{time.time_ns():x}-{self.staging.name[:8]}-{self._count}.pack")
        self._pack.append(hash_, data)
        self.new[hash_] = len(data)
        if self._pack.size >= PACK_BYTES:
            self.publish()

    def large(self, hash_: bytes, staged: Path, size: int) -> None:
        """Take a whole, sealed file from the staging folder."""
        if hash_ in self.new:
            staged.unlink()
            return
        if self._boot is None:
            with open(staged, "rb") as file:
                os.fsync(file.fileno())
        self._large[hash_] = staged, size
        self.new[hash_] = size

    def publish(self, tree: bytes | None = None, needs: Collection[bytes] = ()) -> set[bytes]:
        """Make all of it visible, with the tree that consists of the objects `needs` if there is one.

        Returns the objects that a collection took away meanwhile; the tree is visible only if that is empty.
        """
        pack = self._pack
        if pack is not None:
            pack.finish()
        self._pack = None
        moved: list[Path] = []
        try:
            lost = self._enter(pack, tree, needs, moved)
        except BaseException:
            self._undo(moved)
            raise
        self._large.clear()
        return lost

    def _enter(
        self, pack: PackWriter | None, tree: bytes | None, needs: Collection[bytes], moved: list[Path]
    ) -> set[bytes]:
        now = int(time.time())
        insert = "insert into objects values (?, ?, ?, ?, ?) on conflict (hash) do update set seen = excluded.seen"
        with self.index.write() as db:
            if pack is not None:
                target = self.folder.packs / pack.path.name
                moved.append(target)
                pack.path.rename(target)
                sync_folder(self.folder.packs)
                number = db.execute("insert into packs (name) values (?)", (target.name,)).lastrowid
                if self._moving:
                    moves = [(number, offset, h) for h, (offset, _) in pack.offsets.items()]
                    db.executemany("update objects set pack = ?, offset = ? where hash = ?", moves)
                else:
                    rows = [(h, size, number, offset, now) for h, (offset, size) in sorted(pack.offsets.items())]
                    db.executemany(insert, rows)
            for hash_, (staged, size) in self._large.items():
                if db.execute("select 1 from objects where hash = ?", (hash_,)).fetchone() is None:
                    target = self.folder.object(hash_.hex())
                    target.parent.mkdir(exist_ok=True)
                    moved.append(target)
                    staged.replace(target)
                    if self._boot is not None:
                        db.execute("insert or replace into unsettled values (?, ?)", (hash_, self._boot))
                db.execute(insert, (hash_, size, None, None, now))
            deletions = db.execute("select value from counters where name = 'deletions'").fetchone()[0]
            if deletions != self._deletions:
                self._deletions = deletions
                find = "select 1 from objects where hash = ?"
                lost = {h for h in {*needs, *self.new} if db.execute(find, (h,)).fetchone() is None}
                if lost:
                    self.new = {h: size for h, size in self.new.items() if h not in lost}
                    return lost
            if tree is not None:
                db.execute(
                    "insert into trees values (?, ?) on conflict (root) do update set seen = excluded.seen", (tree, now)
                )
        return set()

    def _undo(self, moved: list[Path]) -> None:
        """Take back files whose entry failed, unless another process has entered the same object since."""
        with contextlib.suppress(Exception), self.index.write() as db:
            for path in moved:
                if path.parent == self.folder.packs:
                    row = db.execute("select 1 from packs where name = ?", (path.name,)).fetchone()
                else:
                    row = db.execute("select 1 from objects where hash = ?", (bytes.fromhex(path.name),)).fetchone()
                if row is None:
                    remove(path)
