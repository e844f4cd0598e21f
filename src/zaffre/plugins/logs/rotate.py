"""Keep a growing log small on disk, while the job goes on writing into the same file.

The older part of the live file is compressed beside it, and then its blocks are given back by punching a hole. The
job only appends, so no byte can fall between the two, and offsets never change. There is no process in between that
could die or slow the job down.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from zaffre.base.errors import Unavailable
from zaffre.plugins.logs import segment
from zaffre.plugins.logs.layout import Layout, Segment, layout, open_live, segment_path, truncated_path

SEGMENT_BYTES = 64 * 2**20
CALL_BYTES = 2**30  # at most about so much in one call, whatever a job made of its log
LINE_BYTES = 2**20  # how far back a line end is looked for; a longer line is cut
KEEP_SIZE, PUNCH_HOLE = 0x01, 0x02  # of fallocate(2)


def rotate(log: Path, segment_bytes: int = SEGMENT_BYTES, max_bytes: int | None = None) -> int:
    """Compress what the live file has above `segment_bytes`; the number of bytes moved.

    With `max_bytes` (on disk) the oldest segments are removed, except for the newest one. Cheap if there is nothing
    to do; call it now and then for each running job. Does nothing where the file system cannot punch holes, or while
    another process rotates the same log. A kill at any moment loses nothing. Raises `Unavailable` on a full disk.
    """
    with _alone(log) as live:
        if live is None:
            return 0
        try:
            return _rotate(log, live, segment_bytes, max_bytes)
        except (OSError, ValueError) as error:
            raise Unavailable(f"The log {log} cannot be rotated: {error}.") from error


def _rotate(log: Path, live: int, segment_bytes: int, max_bytes: int | None) -> int:
    found = _note_truncation(log, live)
    _free(live, found)  # again, in case that the last rotation was killed before it came to this
    moved = 0
    while _live_bytes(live, found) > segment_bytes and moved < CALL_BYTES and _can_punch(log):
        start = found.moved
        end = _cut(live, start - found.shift, segment_bytes) + found.shift
        _store(log, live, found.shift, start, end)
        found = Layout((*found.segments, Segment(segment_path(log, start, end), start, end)), found.shift)
        _free(live, found)
        moved += end - start
    if max_bytes is not None:
        _remove_oldest(live, found, max_bytes)
    return moved


@contextmanager
def _alone(log: Path) -> Iterator[int | None]:
    live = open_live(log, os.O_RDWR)
    if live is None:
        yield None
        return
    try:
        try:
            fcntl.flock(live, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield live
    finally:
        os.close(live)


def _note_truncation(log: Path, live: int) -> Layout:
    found = layout(log)
    if _live_bytes(live, found) >= 0:
        return found
    note = truncated_path(log, found.moved)
    os.close(os.open(note, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644))
    return Layout(found.segments, found.moved)


def _live_bytes(live: int, found: Layout) -> int:
    return os.fstat(live).st_size - (found.moved - found.shift)


def _cut(live: int, start: int, length: int) -> int:
    """The last line end in the range (a file offset just behind it), or the end of the range in an endless line."""
    end = start + length
    window = max(start, end - LINE_BYTES)
    newline = segment.read_exactly(live, window, end - window).rfind(b"\n")
    return window + newline + 1 if newline >= 0 else end


def _store(log: Path, live: int, shift: int, start: int, end: int) -> None:
    staged = log.with_name(f".{log.name}.rotating")
    staged.unlink(missing_ok=True)
    target = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        segment.write(live, start - shift, end - shift, target)
        os.fsync(target)
        os.rename(staged, segment_path(log, start, end))
    except BaseException:
        staged.unlink(missing_ok=True)
        raise
    finally:
        os.close(target)
    _sync_folder(log.parent)


def _free(live: int, found: Layout) -> None:
    length = found.moved - found.shift
    if length > 0:
        _punch(live, length)


def _remove_oldest(live: int, found: Layout, max_bytes: int) -> None:
    sizes = [part.path.stat().st_size for part in found.segments]
    total = sum(sizes) + max(_live_bytes(live, found), 0)
    for part, size in zip(found.segments[:-1], sizes, strict=False):
        if total <= max_bytes:
            return
        part.path.unlink()
        total -= size


def _can_punch(log: Path) -> bool:
    probe = log.with_name(f".{log.name}.rotating")
    probe.unlink(missing_ok=True)
    file = os.open(probe, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        os.write(file, b"x")
        _punch(file, 1)
    except OSError:
        return False
    finally:
        os.close(file)
        probe.unlink(missing_ok=True)
    return True


def _punch(file: int, length: int) -> None:
    import ctypes

    if _fallocate()(file, PUNCH_HOLE | KEEP_SIZE, ctypes.c_int64(0), ctypes.c_int64(length)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@cache
def _fallocate() -> Any:
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    return getattr(libc, "fallocate64", None) or libc.fallocate


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
