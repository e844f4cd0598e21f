"""Bringing a remote file or folder to this machine, once for each state of it.

The cache is keyed by URL and fingerprint. Files arrive under `incoming/<key>/` and stay there when the process dies,
so that the next attempt goes on where this one ended, inside a file too; whole, they are renamed into place in the
order of their paths. One process fetches a key, the others wait for it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from blake3 import blake3

from zaffre.base.errors import Conflict, NotFound, Unavailable
from zaffre.plugins.datastores.address import hide
from zaffre.plugins.datastores.resolver import Resolver
from zaffre.plugins.datastores.survey import SourceFile, Survey, answering, changed, survey
from zaffre.ports.content import Location

CHUNK = 16 * 2**20  # bytes of one request
FILES_AT_ONCE = 8
KEY_LENGTH = 64
OPEN, CLOSED = 0o700, 0o500  # modes of folders

Progress = Callable[[int, int], None]  # bytes here, bytes in all


def fetch(location: Location, cache_dir: Path, resolver: Resolver, progress: Progress | None = None) -> Path:
    """The file or folder on this machine: in place if it is local, else in the cache, read-only by convention.

    Raises what `survey` raises, and `Conflict` (code `SourceChanged`) naming the files if the source is changed while
    it is fetched.
    """
    if location.local is not None:
        if not location.local.exists():
            raise NotFound(f"there is no file or folder {location.local}", code="SourceNotFound")
        return location.local
    found = survey(location, resolver)
    key = blake3(f"{hide(location.url)}\0{found.fingerprint}".encode()).hexdigest()
    final = cache_dir / key
    with contextlib.suppress(OSError):
        os.utime(final)  # used now: `forget_unused` spares it
    if not final.is_dir():
        with storing(cache_dir), locked(cache_dir, key):
            if not final.is_dir():
                bring(location, found, final, resolver, progress)
    return final / found.files[0].path if found.single else final


def fingerprint(location: Location, resolver: Resolver) -> str:
    """The state of a source in one hash, from its listing alone; equal while nobody changed the source."""
    return survey(location, resolver).fingerprint


def bring(location: Location, found: Survey, final: Path, resolver: Resolver, progress: Progress | None) -> None:
    incoming = final.parent / "incoming" / final.name
    incoming.mkdir(parents=True, exist_ok=True)
    if found.size > shutil.disk_usage(incoming).free:
        raise full(final.parent)
    fs, _ = resolver.open(location)
    count = Counter(found.size, progress)
    with answering_unless_disk(location), ThreadPoolExecutor(FILES_AT_ONCE) as pool:
        numbered = enumerate(found.files)
        tasks = [pool.submit(bring_file, fs, file, incoming / f"{number}.part", count) for number, file in numbered]
        try:
            for task in tasks:
                task.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    again = survey(location, resolver)
    if again.fingerprint != found.fingerprint:
        shutil.rmtree(incoming, ignore_errors=True)
        files = "; ".join(changed(found, again)[:20])
        raise Conflict(f"{hide(location.url)} was changed while it was fetched: {files}", code="SourceChanged")
    arrange(found, incoming, final)


def bring_file(fs: Any, file: SourceFile, part: Path, count: Counter) -> None:
    """Go on behind what is here already; a store that tells no size is read from the start."""
    if file.size is None or not file.ranged:
        with fs.open(file.address, "rb", block_size=0) as source, open(part, "wb") as target:
            while block := source.read(2**20):
                target.write(block)
                count.add(len(block))
            if file.size not in (None, target.tell()):
                raise cut_off(file, target.tell())
            target.flush()
            os.fsync(target.fileno())
        return
    with open(part, "ab") as target:
        at = target.tell()
        if at > file.size:
            target.truncate(0)
            at = 0
        count.add(at)
        while at < file.size:
            block = fs.cat_file(file.address, start=at, end=min(at + CHUNK, file.size))
            if not block or len(block) > file.size - at:
                raise cut_off(file, at)
            target.write(block)
            at += len(block)
            count.add(len(block))
        target.flush()
        os.fsync(target.fileno())


def cut_off(file: SourceFile, at: int) -> Unavailable:
    return Unavailable(f"{hide(file.address)} ended after {at} of {file.size} bytes", code="SourceCutOff")


def arrange(found: Survey, incoming: Path, final: Path) -> None:
    """Files get their names in sorted order, then the folder gets its."""
    work = incoming / "tree"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    for number, file in enumerate(found.files):
        target = work / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(incoming / f"{number}.part", target)  # a link refuses a second file of the same name
        os.chmod(target, 0o400)  # jobs share it: who wants to write asks for a copy (mode download)
    for place, _, _ in os.walk(work, topdown=False):
        if place != str(work):
            os.chmod(place, CLOSED)
    work.rename(final)
    os.chmod(final, CLOSED)  # a folder that may not be written to cannot be renamed
    shutil.rmtree(incoming, ignore_errors=True)


def forget_unused(cache_dir: Path, before_s: float, *, dry_run: bool) -> int:
    """Remove the copies last asked for before that moment (seconds since 1970): the bytes that they take."""
    freed = 0
    for place in sorted(cache_dir.glob("*")):
        if len(place.name) != KEY_LENGTH or not place.is_dir():
            continue
        with storing(cache_dir), locked(cache_dir, place.name):
            if place.stat().st_mtime >= before_s:
                continue
            freed += sum(os.lstat(os.path.join(at, name)).st_size for at, _, names in os.walk(place) for name in names)
            if not dry_run:
                remove(place)
    return freed


def remove(place: Path) -> None:
    """Whole or not at all, for those who look: renamed away first."""
    os.chmod(place, OPEN)
    dead = place.with_name(f".{place.name}")
    place.rename(dead)
    for at, _, _ in os.walk(dead):
        os.chmod(at, OPEN)
    shutil.rmtree(dead, ignore_errors=True)


class Counter:
    def __init__(self, total: int, progress: Progress | None) -> None:
        self.done, self.total, self.progress = 0, total, progress
        self._lock = threading.Lock()

    def add(self, count: int) -> None:
        with self._lock:
            self.done += count
            if self.progress is not None:
                self.progress(self.done, self.total)


@contextlib.contextmanager
def locked(cache_dir: Path, key: str) -> Iterator[None]:
    """Only one process at a time fetches a key; a killed one lets go by itself."""
    locks = cache_dir / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    with open(locks / key[:2], "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def storing(cache_dir: Path) -> Iterator[None]:
    """What the disk says, in our words; what the source says was put into words before."""
    try:
        yield
    except OSError as error:
        if shutil.disk_usage(cache_dir if cache_dir.exists() else "/").free < CHUNK:
            raise full(cache_dir) from error
        raise Unavailable(
            f"the cache {cache_dir} cannot be used: {error.strerror or error}", code="StorageFailed"
        ) from error


@contextlib.contextmanager
def answering_unless_disk(location: Location) -> Iterator[None]:
    """An error of the local disk has an errno and a file name of ours; everything else comes from the source."""
    try:
        with answering(location):
            yield
    except Unavailable as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno in (28, 122, 27):
            raise error.__cause__ from None
        raise


def full(cache_dir: Path) -> Unavailable:
    return Unavailable(f"no space is left for the cache {cache_dir}", code="DiskFull", hint="free space on that disk")
