"""The content store: a folder that the server, the command line and embedded Python use at the same time.

There is no daemon. Writers stage, sync and rename, and enter everything in the index in one transaction, so that
readers see all or nothing and a process can be killed at any moment.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from zaffre.base.errors import Fault, InvalidRequest, NotFound, ZaffreError
from zaffre.core.manifest import FAULTS_SHOWN, HASH, Entry, Manifest, make, parse
from zaffre.plugins.content import add, checkout, collect, scrub, settle, stream
from zaffre.plugins.content.folder import Folder, storage
from zaffre.plugins.content.index import Index
from zaffre.plugins.content.ingest import Ingest
from zaffre.plugins.content.read import Reader
from zaffre.plugins.content.statcache import StatCache
from zaffre.plugins.content.walk import walk
from zaffre.ports.content import Added, Checked, Damage, GcReport

GRACE_S = 24 * 3600.0  # what was stored or asked for in the last day belongs to work under way


class FileContentStore:
    """The `ContentStore` of ports/content.py in the folder `root`, which is made if it is missing.

    Safe for threads and for many processes at once. Every failure of the disk is `Unavailable` and names the folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.abspath(root))
        self._folder = Folder(self.root)
        self._index = Index(self._folder.index)
        self._cache = StatCache(self._folder.stat)
        settle.recover(self._folder, self._index)

    def scan(self, path: Path, *, ignore_files: bool = True) -> Manifest:
        """Hash a folder or a file without storing it. Raises `InvalidRequest`, `Conflict` if it is being written to."""
        return add.scan(walk(path, ignore_files=ignore_files), self._cache)

    def add(self, path: Path, *, ignore_files: bool = True) -> Added:
        """Take in a folder or a file. Raises `InvalidRequest`, `Conflict`, `Unavailable` (disk full)."""
        with storage(self.root):
            return Added(*add.add(walk(path, ignore_files=ignore_files), self._cache, self._folder, self._index))

    def missing(self, hashes: Iterable[str]) -> set[str]:
        """Which of these the store lacks; the others are safe from collection for a day."""
        wanted = {binary(hash_): hash_ for hash_ in hashes}
        here = self._index.places(wanted).keys()
        now = time.time()
        self._index.touch(here, int(now), int(now - GRACE_S / 2))
        return {hash_ for key, hash_ in wanted.items() if key not in here}

    def receive(self, stream_: Iterator[bytes]) -> list[str]:
        """Raises `InvalidRequest` (codes `WrongHash`, `StreamCutOff`); whole objects before the fault are kept."""
        return [hash_.hex() for hash_ in stream.receive(stream_, self._folder, self._index)]

    def send(self, hashes: Sequence[str]) -> Iterator[bytes]:
        """Raises `NotFound` at once, before the first byte."""
        return stream.send([binary(hash_) for hash_ in hashes], self._folder, self._index)

    def put_manifest(self, entries: Sequence[Entry]) -> Manifest:
        """Raises `InvalidRequest` naming every bad path, missing object and wrong size (the first twenty)."""
        manifest, form = make(entries)
        hashes = {binary(entry.hash) for entry in manifest.entries}
        root = binary(manifest.root)
        with storage(self.root), Ingest(self._folder, self._index) as ingest:
            places = self._index.places(hashes)
            faults = [
                Fault(f"{entry.path}: the store has no object {entry.hash} of {entry.size} bytes")
                for entry in manifest.entries
                if (place := places.get(binary(entry.hash))) is None or place.size != entry.size
            ]
            if not faults:
                if not self._index.places([root]):
                    ingest.small(root, form)
                lost = ingest.publish(root, hashes | {root})
                faults = [Fault(f"the object {hash_.hex()} was collected meanwhile") for hash_ in sorted(lost)]
        if faults:
            text = "; ".join(str(fault) for fault in faults[:FAULTS_SHOWN])
            raise InvalidRequest(
                text, code="ContentMissing", faults=faults[:FAULTS_SHOWN], hint="send the objects first"
            )
        return manifest

    def manifest(self, root: str) -> Manifest:
        """Raises `NotFound`."""
        key = binary(root)
        if not self._index.has_tree(key):
            raise NotFound(f"the content store has no tree {root}", code="ContentNotFound")
        with storage(self.root), Reader(self._folder, self._index) as reader, reader.open(key) as file:
            return parse(file.read())

    def open(self, hash: str) -> BinaryIO:
        """Raises `NotFound`, or `Unavailable` (code `ContentDamaged`)."""
        with storage(self.root), Reader(self._folder, self._index) as reader:
            return reader.open(binary(hash))

    def checkout(self, root: str, target: Path) -> None:
        """A private, writable copy in a new or empty folder. Raises `NotFound`, `Conflict`, `Unavailable`."""
        checkout.checkout(self.manifest(root), target, self._folder, self._index)

    def shared(self, root: str) -> Path:
        """A read-only folder, made once. Raises `NotFound`."""
        if HASH.fullmatch(root) and self._index.has_tree(binary(root)) and (self._folder.trees / root).is_dir():
            return self._folder.trees / root
        return checkout.shared(self.manifest(root), self._folder, self._index)

    def scrub(self, *, forget: bool = False) -> Iterator[Damage]:
        """Read and hash everything; each damaged or missing object by name. Takes as long as reading the disk.

        With `forget` what is damaged counts as missing from then on, so that adding the original files mends it.
        """
        for step in scrub.scrub(self._folder, self._index, forget=forget, after=0):
            yield from step.damages

    def scrub_steps(self, after: int = 0) -> Iterator[Checked]:
        """`scrub`, one object or tree at a time; without the first `after` of them."""
        return scrub.scrub(self._folder, self._index, forget=False, after=after)

    def trees_with(self, hashes: Collection[str]) -> dict[str, set[str]]:
        """For each of these objects the roots of the trees that hold it. Trees that cannot be read hold none."""
        found: dict[str, set[str]] = {hash_: set() for hash_ in hashes}
        for key in scrub.every_tree(self._index):
            with contextlib.suppress(ZaffreError):
                for entry in self.manifest(key.hex()).entries:
                    if entry.hash in found:
                        found[entry.hash].add(key.hex())
        return found

    def gc(self, live_roots: Iterable[str], *, dry_run: bool, grace_s: float = GRACE_S) -> GcReport:
        """Remove what no tree of `live_roots` needs and nobody stored or asked for within `grace_s` seconds.

        `dry_run` says what would be removed, and removes nothing.
        """
        roots = {binary(root) for root in live_roots}
        with storage(self.root):
            return collect.collect(roots, self._folder, self._index, dry_run=dry_run, grace_s=grace_s)

    def size(self) -> tuple[int, int]:
        """How many objects are stored, and their bytes together."""
        with self._index.read() as db:
            objects, size = db.execute("select count(*), coalesce(sum(size), 0) from objects").fetchone()
        return int(objects), int(size)

    def settle(self) -> None:
        """Everything added so far survives a power cut after this; before, large objects may be lost (never wrong)."""
        settle.settle(self._folder, self._index)

    def close(self) -> None:
        """Close the index and the stat cache; the next use opens them again."""
        self._index.close()
        self._cache.close()


def binary(hash_: str) -> bytes:
    """The 32 bytes of a hash. Raises `InvalidRequest` for text that is none."""
    if not HASH.fullmatch(hash_):
        raise InvalidRequest(f"{hash_!r} is not a content hash (64 lower-case hex digits)", code="InvalidHash")
    return bytes.fromhex(hash_)
