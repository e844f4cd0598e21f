"""TensorBoard's event files below the outputs and logs of a job become its metrics, also while it runs.

Nothing is remembered in the database: a series is a set of points, so that a file read twice (by the next server) says
nothing new. A key is the tag, after the folder in which the file lies: `train/loss` of `outputs/train/events...`.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from zaffre.base import confine
from zaffre.base.errors import InvalidRequest, NotFound
from zaffre.base.limits import KEY_LENGTH
from zaffre.core.event_file import Damaged, Scalar, frames, scalars
from zaffre.services.context import Context
from zaffre.services.tracking.log_batch import log_metrics
from zaffre.store.metrics import Point

log = logging.getLogger("zaffre.tracking")
MARK = "tfevents"  # in the name of every event file
# A job writes what it likes: so much of it is looked at.
FILES, FOLDERS, DEPTH = 1000, 2000, 12
PIECE = 4 << 20  # bytes read at once; longer than any event that is read whole
POINTS = 5000  # are committed together
KEYS = 10_000


@dataclass
class _File:
    """How far one file was read. `damaged` is where it could not be read on; it may only have been half written."""

    inode: int = 0
    offset: int = 0
    known: set[str] = field(default_factory=set)
    damaged: int | None = None


class EventFiles:
    """What was read of the event files of one job."""

    def __init__(self, workspace: str, job: str) -> None:
        self.workspace, self.job = workspace, job
        self._files: dict[tuple[str, tuple[str, ...]], _File] = {}
        self._keys: set[str] = set()
        self._reading = threading.Lock()  # a look while it runs and the last one do not meet

    def collect(self, ctx: Context, roots: Sequence[tuple[Path, str]], budget_s: float) -> int:
        """Log what is new below `roots` (a folder, and the name of one in it), for about so long; how many points.

        A file that is damaged, or vanishes, harms no other.
        """
        with self._reading:
            end = time.monotonic() + budget_s
            count = 0
            for root, name in roots:
                for parts in _event_files(root, name):
                    read = self._files.setdefault((str(root), parts), _File())
                    try:
                        count += self._read(ctx, root, parts, read, end)
                    except (OSError, NotFound, InvalidRequest) as error:
                        log.info("%s of job %s: %s", "/".join(parts), self.job, error)
                    if time.monotonic() > end:
                        return count
            return count

    def _read(self, ctx: Context, root: Path, parts: tuple[str, ...], read: _File, end: float) -> int:
        stream, size = confine.open_file(root, parts)
        count = 0
        with stream:
            inode = os.fstat(stream.fileno()).st_ino
            if inode != read.inode or size < read.offset:  # another file by now
                read.inode, read.offset, read.known, read.damaged = inode, 0, set(), None
            while read.offset < size and time.monotonic() <= end:
                stream.seek(read.offset)
                before = read.offset
                found = list(self._scalars(stream.read(PIECE), parts, read, size))
                for start in range(0, len(found), POINTS):
                    log_metrics(ctx, self.workspace, self.job, self._points(parts, found[start : start + POINTS]))
                count += len(found)
                if read.offset == before:
                    break
        return count

    def _scalars(self, data: bytes, parts: tuple[str, ...], read: _File, size: int) -> Iterator[Scalar]:
        base = read.offset
        try:
            for event, next_at in frames(data):
                if base + next_at > size:
                    return  # one that is passed over is not whole yet
                if event is not None:
                    yield from _tolerant(event, read.known)
                read.offset = base + next_at
        except Damaged as error:
            if read.damaged != read.offset:
                log.warning("%s of job %s: %s; it is read on when that has changed", "/".join(parts), self.job, error)
            read.damaged = read.offset

    def _points(self, parts: tuple[str, ...], found: Sequence[Scalar]) -> list[Point]:
        folder = "/".join(parts[1:-1])
        points = []
        for scalar in found:
            key = f"{folder}/{scalar.tag}" if folder else scalar.tag
            if len(key) > KEY_LENGTH or (key not in self._keys and len(self._keys) >= KEYS):
                continue
            self._keys.add(key)
            points.append(Point(key, scalar.value, scalar.timestamp, scalar.step))
        return points


def _tolerant(event: bytes, known: set[str]) -> list[Scalar]:
    """An event whose checksum is right and whose content is none of TensorBoard's says nothing."""
    try:
        return list(scalars(event, known))
    except Damaged:
        return []


def _event_files(root: Path, name: str) -> Iterator[tuple[str, ...]]:
    """Links that lead out of the root are not followed, nor anything but files read."""
    waiting: list[tuple[str, ...]] = [(name,)]
    files = folders = 0
    while waiting and folders < FOLDERS:
        parts = waiting.pop()
        folders += 1
        for item in confine.list_folder(root, parts):
            if item.is_folder and len(parts) < DEPTH:
                waiting.append((*parts, item.name))
            elif not item.is_folder and MARK in item.name:
                files += 1
                if files > FILES:
                    return
                yield (*parts, item.name)
