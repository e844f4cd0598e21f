"""From files to objects: hash what the stat cache does not know, store what the store does not have."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from zaffre.base.errors import Unavailable
from zaffre.core.manifest import Entry, Manifest, make
from zaffre.plugins.content.folder import Folder, room_for, seal
from zaffre.plugins.content.hashing import SMALL, copy_hashing, hash_file, read_small
from zaffre.plugins.content.index import Index
from zaffre.plugins.content.ingest import Ingest
from zaffre.plugins.content.statcache import StatCache, now_ns
from zaffre.plugins.content.walk import Found

BATCH_FILES, BATCH_BYTES = 400, 8 * 2**20  # what one thread reads at once; three batches are in memory
WORKERS = min(8, os.cpu_count() or 1)

Hashes = list[bytes | None]
T = TypeVar("T")


def scan(files: Sequence[Found], cache: StatCache) -> Manifest:
    """The manifest of these files; reads only those that the cache does not know."""
    hashes = cache.lookup([(file.name, file.stat) for file in files])
    unknown = [number for number, hash_ in enumerate(hashes) if hash_ is None]
    begun = now_ns()
    for numbers, found in in_batches(files, unknown, hash_file):
        for number, hash_ in zip(numbers, found, strict=True):
            hashes[number] = hash_
    remember(cache, files, hashes, unknown, begun)
    return manifest(files, hashes)[0]


def add(files: Sequence[Found], cache: StatCache, folder: Folder, index: Index) -> tuple[Manifest, int, int]:
    """Store these files as one tree: its manifest, the bytes that were new, and how many new objects they are."""
    hashes = cache.lookup([(file.name, file.stat) for file in files])
    with Ingest(folder, index) as ingest:
        here = index.present({hash_ for hash_ in hashes if hash_})
        lacking = [number for number, hash_ in enumerate(hashes) if hash_ is None or hash_ not in here]
        for _ in range(3):
            begun = now_ns()
            take_small(files, [n for n in lacking if files[n].stat.st_size <= SMALL], hashes, ingest)
            take_large(files, [n for n in lacking if files[n].stat.st_size > SMALL], hashes, ingest)
            remember(cache, files, hashes, lacking, begun)
            tree, form = manifest(files, hashes)
            new_bytes, new_files = sum(ingest.new.values()), len(ingest.new)
            root = bytes.fromhex(tree.root)
            if not index.places([root]):
                ingest.small(root, form)
            lost = ingest.publish(root, {hash_ for hash_ in hashes if hash_} | {root})
            if not lost:
                return tree, new_bytes, new_files
            lacking = [number for number, hash_ in enumerate(hashes) if hash_ in lost]
    raise Unavailable(f"the content store {folder.root} is being collected again and again; try again later")


def take_small(files: Sequence[Found], numbers: Sequence[int], hashes: Hashes, ingest: Ingest) -> None:
    for batch, found in in_batches(files, numbers, read_small):
        here = ingest.index.present([hash_ for hash_, _ in found])
        for number, (hash_, data) in zip(batch, found, strict=True):
            hashes[number] = hash_
            if hash_ not in here:
                ingest.small(hash_, data)


def take_large(files: Sequence[Found], numbers: Sequence[int], hashes: Hashes, ingest: Ingest) -> None:
    for number in numbers:
        file = files[number]
        room_for(ingest.folder.root, file.stat.st_size)
        staged = ingest.file()
        target = os.open(staged, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            hash_ = copy_hashing(file, target)
            seal(target)
        finally:
            os.close(target)
        hashes[number] = hash_
        if ingest.index.places([hash_]):
            staged.unlink()
        else:
            ingest.large(hash_, staged, file.stat.st_size)


def in_batches(
    files: Sequence[Found], numbers: Sequence[int], read: Callable[[Found], T]
) -> Iterator[tuple[list[int], list[T]]]:
    """Read files in a few threads, in order, with a bounded number of bytes in memory."""

    def work(batch: list[int]) -> list[T]:
        return [read(files[number]) for number in batch]

    if len(numbers) < 2 * WORKERS:
        for number in numbers:
            yield [number], work([number])
        return
    with ThreadPoolExecutor(WORKERS) as pool:
        waiting: deque[tuple[list[int], Future[list[T]]]] = deque()
        for batch in batches(files, numbers):
            waiting.append((batch, pool.submit(work, batch)))
            if len(waiting) > WORKERS:
                numbers_, future = waiting.popleft()
                yield numbers_, future.result()
        for numbers_, future in waiting:
            yield numbers_, future.result()


def batches(files: Sequence[Found], numbers: Sequence[int]) -> Iterator[list[int]]:
    batch: list[int] = []
    size = 0
    for number in numbers:
        batch.append(number)
        size += files[number].stat.st_size
        if len(batch) >= BATCH_FILES or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def remember(cache: StatCache, files: Sequence[Found], hashes: Hashes, numbers: Sequence[int], begun: int) -> None:
    found = ((files[number], hashes[number]) for number in numbers)
    cache.remember((file.name, file.stat, hash_, begun) for file, hash_ in found if hash_ is not None)


def manifest(files: Sequence[Found], hashes: Hashes) -> tuple[Manifest, bytes]:
    entries = [
        Entry(file.path, file.stat.st_size, hash_.hex(), file.executable)
        for file, hash_ in zip(files, hashes, strict=True)
        if hash_ is not None
    ]
    return make(entries, checked=True)
