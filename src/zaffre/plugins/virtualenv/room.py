"""Room on disk for a build: which disk was too small, and from what moment on another attempt makes sense."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from zaffre.base.errors import Unavailable
from zaffre.plugins.virtualenv.failure import reason_of


@dataclass(frozen=True)
class Room:
    """The folders that a build writes to, with the bytes that were free on their disks when it began."""

    free: Mapping[Path, int]

    @classmethod
    def now(cls, *folders: Path) -> Room:
        return cls({folder: free_bytes(folder) for folder in (*folders, Path(tempfile.gettempdir()))})

    def filled(self, output: Sequence[str]) -> TooSmall:
        """The disk that uv's words speak of, else the one that has the least left."""
        reason = reason_of(output)
        named = [folder for folder in self.free if str(folder) in reason]
        folder = max(named, key=lambda one: len(str(one))) if named else min(self.free, key=free_bytes)
        return TooSmall(folder, self.free[folder])


@dataclass(frozen=True)
class TooSmall:
    """With so many bytes free on the disk of the folder a build was not possible."""

    folder: Path
    bytes: int

    @property
    def still(self) -> bool:
        return free_bytes(self.folder) <= self.bytes

    def error(self) -> Unavailable:
        return Unavailable(
            f"the environment was not built: the disk of {self.folder} is full. {self.bytes / 1e6:,.0f} MB were free "
            "there when the build began, and more is needed",
            code="DiskFull",
            hint="free space on that disk: `zaffre storage gc --unused-days 0` removes environments that no job uses",
        )


def free_bytes(folder: Path) -> int:
    space = os.statvfs(folder)
    return space.f_bavail * space.f_frsize
