"""The files of one log and what each holds, told by their names alone.

`<log>` is the live file that the job appends to. `<log>.<start>-<end>.zst` holds the bytes [start, end) of the log,
compressed; the same range of the live file is a hole. Offsets count from the first byte the job ever wrote and stay
valid for ever. `<log>.<offset>.truncated` says that the job itself cut the live file to nothing when so much had been
moved away (`> /dev/stderr` in a script does that): its first byte has been this offset since.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from zaffre.base.errors import Unavailable


@dataclass(frozen=True)
class Segment:
    path: Path
    start: int
    end: int


@dataclass(frozen=True)
class Layout:
    segments: tuple[Segment, ...] = ()
    shift: int = 0  # the offset of the live file's first byte

    @property
    def first(self) -> int:
        """The first byte that is still there; what is before it was removed to keep the log within its cap."""
        return self.segments[0].start if self.segments else 0

    @property
    def moved(self) -> int:
        """Where the live file takes over from the segments."""
        return self.segments[-1].end if self.segments else 0


def layout(log: Path) -> Layout:
    name = re.escape(log.name)
    segment = re.compile(name + r"\.(\d{1,18})-(\d{1,18})\.zst")
    truncated = re.compile(name + r"\.(\d{1,18})\.truncated")
    segments, shift = [], 0
    try:
        names = os.listdir(log.parent)
    except FileNotFoundError:
        return Layout()
    for found in names:
        if match := segment.fullmatch(found):
            segments.append(Segment(log.parent / found, int(match[1]), int(match[2])))
        elif match := truncated.fullmatch(found):
            shift = max(shift, int(match[1]))
    return Layout(tuple(sorted(segments, key=lambda part: part.start)), shift)


def segment_path(log: Path, start: int, end: int) -> Path:
    return log.with_name(f"{log.name}.{start}-{end}.zst")


def truncated_path(log: Path, offset: int) -> Path:
    return log.with_name(f"{log.name}.{offset}.truncated")


def open_live(log: Path, flags: int) -> int | None:
    """A descriptor of the live file, or None if there is none yet. Raises `Unavailable` if it is not a plain file.

    A job could put a link or a pipe in its place.
    """
    try:
        live = os.open(log, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Unavailable(f"The log {log} cannot be opened: {error.strerror}.") from error
    if not stat.S_ISREG(os.fstat(live).st_mode):
        os.close(live)
        raise Unavailable(f"The log {log} is not a plain file any more.")
    return live
