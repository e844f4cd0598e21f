"""Reading files once: hash, and copy on the way, and notice when somebody writes to them meanwhile."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

from blake3 import blake3

from zaffre.base.errors import Conflict, InvalidRequest
from zaffre.plugins.content.folder import NO_SPACE
from zaffre.plugins.content.walk import Found

SMALL = 256 * 1024  # bytes; up to this size objects share packs
BLOCK = 4 * 2**20  # of large files; measured best between 1 and 32 MiB
PIECE = 2**20  # of a copy that is hashed: stays in the processor's cache
OPENING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
FICLONE = 0x40049409  # ioctl of Linux: share the blocks of another file (btrfs, xfs, bcachefs)


@contextlib.contextmanager
def reading(file: Found) -> Iterator[int]:
    """The descriptor of a file that is still the one that was found, before and after.

    Raises `Conflict` if it changed, `InvalidRequest` if it cannot be read, each naming the file.
    """
    try:
        descriptor = os.open(file.real, OPENING)
    except OSError as error:
        raise unreadable(file, error) from error
    try:
        same(file, os.fstat(descriptor))
        yield descriptor
        same(file, os.fstat(descriptor))
    finally:
        os.close(descriptor)


def same(file: Found, now: os.stat_result) -> None:
    then = file.stat
    if (
        then.st_mtime_ns != now.st_mtime_ns
        or then.st_ctime_ns != now.st_ctime_ns
        or then.st_size != now.st_size
        or then.st_ino != now.st_ino
        or then.st_dev != now.st_dev
    ):
        raise Conflict(
            f"{file.real} was changed while it was being read",
            code="SourceChanged",
            hint="try again when it is at rest",
        )


def unreadable(file: Found, error: OSError) -> InvalidRequest:
    return InvalidRequest(f"{file.real} cannot be read: {error.strerror}", code="SourceUnreadable")


def read_small(file: Found) -> tuple[bytes, bytes]:
    """Hash and content. As `reading`, without what a context costs: there are tens of thousands of such files."""
    try:
        descriptor = os.open(file.real, OPENING)
    except OSError as error:
        raise unreadable(file, error) from error
    try:
        same(file, os.fstat(descriptor))
        data = read_exactly(file, descriptor, file.stat.st_size)
        same(file, os.fstat(descriptor))
    finally:
        os.close(descriptor)
    return blake3(data).digest(), data


def read_exactly(file: Found, descriptor: int, size: int) -> bytes:
    try:
        data = os.read(descriptor, size + 1)
        while len(data) < size:
            more = os.read(descriptor, size - len(data) + 1)
            if not more:
                break
            data += more
    except OSError as error:
        raise unreadable(file, error) from error
    if len(data) != size:
        raise Conflict(f"{file.real} was changed while it was being read", code="SourceChanged")
    return data


def hash_file(file: Found) -> bytes:
    """The hash of a file of any size; large ones with all cores. Not by mmap: a file cut short would kill us."""
    if file.stat.st_size <= SMALL:
        return read_small(file)[0]
    with reading(file) as descriptor:
        return hash_descriptor(descriptor, file.real)


def hash_descriptor(descriptor: int, name: str) -> bytes:
    hasher = blake3(max_threads=blake3.AUTO)
    buffer = memoryview(bytearray(BLOCK))
    while count := read_block(descriptor, buffer, name):
        hasher.update(buffer[:count])
    return hasher.digest()


def copy_hashing(file: Found, target: int) -> bytes:
    """Copy a file into the empty descriptor `target` (read and write) and hash the copy, in one pass.

    A second thread copies inside the kernel, block by block; this one reads each block of the copy back from the page
    cache and hashes it (a mapped copy costs twice the time, in page faults). Where the file system shares blocks
    nothing is copied. Raises OSError if the disk of `target` is full.
    """
    size = file.stat.st_size
    with reading(file) as descriptor:
        if clone(descriptor, target):
            return hash_descriptor(target, file.real)
        hasher, at = blake3(), 0
        buffer = memoryview(bytearray(PIECE))
        with ThreadPoolExecutor(1) as copier:
            ready: SimpleQueue[int] = SimpleQueue()
            copying = copier.submit(copy_blocks, file, descriptor, target, ready.put)
            while at < size and (until := ready.get()) > at:
                while at < until:
                    count = os.preadv(target, [buffer[: min(PIECE, until - at)]], at)
                    if count == 0:  # somebody cut the copy short
                        break
                    hasher.update(buffer[:count])
                    at += count
            copying.result()
    if at != size:
        raise Conflict(f"{file.real} was changed while it was being read", code="SourceChanged")
    return hasher.digest()


def copy_blocks(file: Found, source: int, target: int, done: Callable[[int], None]) -> None:
    """Says after each block how many bytes are there, and -1 at the end or after a failure."""
    at, move = 0, copy_in_kernel if hasattr(os, "copy_file_range") else copy_through_memory
    try:
        while at < file.stat.st_size:
            count = move(source, target, min(BLOCK, file.stat.st_size - at))
            if count == 0:
                break
            at += count
            done(at)
    except OSError as error:
        if error.errno in NO_SPACE:
            raise
        raise InvalidRequest(f"{file.real} cannot be copied: {error.strerror}", code="SourceUnreadable") from error
    finally:
        done(-1)


def copy_in_kernel(source: int, target: int, count: int) -> int:
    try:
        return os.copy_file_range(source, target, count)
    except OSError as error:
        if error.errno in NO_SPACE:
            raise
        return copy_through_memory(source, target, count)  # some file systems cannot (another disk, FUSE)


def copy_through_memory(source: int, target: int, count: int) -> int:
    data = os.read(source, count)
    write_all(target, data)
    return len(data)


def read_block(descriptor: int, buffer: memoryview, name: str) -> int:
    try:
        return os.readv(descriptor, [buffer])
    except OSError as error:
        raise InvalidRequest(f"{name} cannot be read: {error.strerror}", code="SourceUnreadable") from error


def write_all(descriptor: int, data: memoryview | bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def clone(source: int, target: int) -> bool:
    """Share the blocks of `source` with the empty file `target`; False where the file system cannot."""
    try:
        fcntl.ioctl(target, FICLONE, source)
    except OSError:
        return False
    return True


def copy_file(source: int, target: int) -> None:
    """Copy a whole file into an empty one, sharing blocks where that is possible."""
    if clone(source, target):
        return
    move = copy_in_kernel if hasattr(os, "copy_file_range") else copy_through_memory
    while move(source, target, 4 * BLOCK):
        pass
