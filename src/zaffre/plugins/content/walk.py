"""Finding the files of a folder, and refusing by name what cannot be part of a tree.

Left out: `.git`, `__pycache__`, `.zaffre`, what the ignore file says, and folders without files. A symlink is
followed when it stays inside the folder. Refused: one that leads out or nowhere, loops, devices, sockets, FIFOs,
names that are not UTF-8 or hold a backslash.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from zaffre.base.errors import InvalidRequest
from zaffre.core.manifest import wrong_path
from zaffre.plugins.content import ignore

MAX_FILES = 20_000_000  # symlinks to folders of symlinks can multiply without end
KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@dataclass(frozen=True, slots=True)
class Found:
    """A regular file: its path in the tree, the path to open (a symlink's target), and its stat."""

    path: str
    real: str
    stat: os.stat_result

    @property
    def name(self) -> str:
        return self.real[self.real.rfind("/") + 1 :]  # an absolute path

    @property
    def executable(self) -> bool:
        return bool(self.stat.st_mode & stat.S_IXUSR)


def walk(path: Path, *, ignore_files: bool = True) -> list[Found]:
    """Every file of a folder (or the one file), sorted by path. Raises `InvalidRequest` naming what is refused."""
    top = os.path.realpath(path)
    try:
        status = os.stat(top)
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror}", code="SourceUnreadable") from error
    if stat.S_ISREG(status.st_mode):
        refuse_name(path.name, str(path))
        return [Found(path.name, top, status)]
    if not stat.S_ISDIR(status.st_mode):
        raise refused(str(path), f"is {KINDS.get(stat.S_IFMT(status.st_mode), 'no file')}")
    walker = Walker(top, ignore.load(Path(top)) if ignore_files else None)
    walker.folder(top, "", ((status.st_dev, status.st_ino),))
    walker.found.sort(key=lambda found: found.path)
    return walker.found


class Walker:
    def __init__(self, top: str, ignored: ignore.Ignored | None) -> None:
        self.top, self.ignored = top, ignored
        self.found: list[Found] = []

    def folder(self, real: str, prefix: str, above: tuple[tuple[int, int], ...]) -> None:
        """Take the files of the folder `real`, known in the tree as `prefix`; `above` are the folders it lies in."""
        inner: list[tuple[str, str, tuple[int, int]]] = []
        try:
            with os.scandir(real) as entries:
                for entry in entries:
                    if entry.name in ignore.ALWAYS:
                        continue
                    folder = self.entry(entry, prefix + entry.name)
                    if folder is not None:
                        inner.append(folder)
        except OSError as error:
            name = error.filename or real
            raise InvalidRequest(f"{name} cannot be read: {error.strerror}", code="SourceUnreadable") from error
        for target, path, identity in inner:
            if identity in above:
                raise refused(target, "contains itself through a symlink", named=path)
            self.folder(target, path + "/", (*above, identity))

    def entry(self, entry: os.DirEntry[str], path: str) -> tuple[str, str, tuple[int, int]] | None:
        """Take a file; return a folder to go into."""
        if self.ignored is not None:
            is_folder = entry.is_dir()
            if self.ignored(path + "/" if is_folder else path):
                return None
        refuse_name(path, entry.path)
        real, status = entry.path, entry.stat(follow_symlinks=False)
        if stat.S_ISLNK(status.st_mode):
            real = os.path.realpath(entry.path)
            if real != self.top and not real.startswith(self.top.rstrip("/") + "/"):
                raise refused(entry.path, f"is a symlink that leads out of the folder, to {os.readlink(entry.path)!r}")
            try:
                status = os.stat(real)
            except OSError as error:
                raise refused(entry.path, f"is a symlink that leads nowhere, to {os.readlink(entry.path)!r}") from error
        if stat.S_ISREG(status.st_mode):
            self.found.append(Found(path, real, status))
            if len(self.found) > MAX_FILES:
                raise InvalidRequest(f"{self.top} has more than {MAX_FILES:,} files", code="TooManyFiles")
            return None
        if stat.S_ISDIR(status.st_mode):
            return real, path, (status.st_dev, status.st_ino)
        raise refused(entry.path, f"is {KINDS.get(stat.S_IFMT(status.st_mode), 'no file')}")


def refuse_name(path: str, shown: str) -> None:
    reason = wrong_path(path)
    if reason is not None:
        raise InvalidRequest(f"the name {shown!r} {reason}", code="InvalidPath", hint="rename the file")


def refused(path: str, reason: str, named: str | None = None) -> InvalidRequest:
    return InvalidRequest(
        f"{named or path} {reason}", code="InvalidSource", hint="remove it, or list it in .amlignore to leave it out"
    )
