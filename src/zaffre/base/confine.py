"""Files named from outside: a path is checked as text, then walked below its root without following a link out of it.

The text is judged as it came and as often decoded as anything later might decode it. The walk opens each folder by
descriptor, so that a link put there between the check and the use leads nowhere.

Two other judges of paths stay beside this one, as they answer other questions. `core.manifest.wrong_path` says what a
stored tree may hold, and with it what an address in one may name: such names mean themselves and are never decoded (a
file may be called `a%2e`), and what is laid out from a tree holds no links. `plugins.datastores.confine` is about
addresses in the user's own stores: odd names are theirs to give, what is decoded is only looked at for `..`, and a
remote store has no folders to walk.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import stat
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO
from urllib.parse import unquote

from zaffre.base.errors import Conflict, InvalidRequest, NotFound

_BAD = re.compile(r"[\x00-\x1f\x7f\\]|^/|//|^[A-Za-z]:")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # a pipe must not block the server
DECODINGS = 4


def parts_of(text: str) -> tuple[str, ...]:
    """`a/b.txt` -> ("a", "b.txt"); "" is the root. Raises `InvalidRequest` for whatever could lead out of the root."""
    form = text
    for _ in range(DECODINGS):
        _judge(form, text)
        _judge(unicodedata.normalize("NFKC", form), text)
        decoded = unquote(form, errors="replace")
        if decoded == form:
            break
        form = decoded
    else:
        raise _refused(text)
    parts = tuple(part for part in text.split("/") if part)
    if any(len(part.encode("utf-8", "surrogatepass")) > 255 for part in parts) or len(text) > 4000:
        raise InvalidRequest("the path is too long: a name has at most 255 bytes", code="InvalidPath")
    return parts


def _judge(form: str, text: str) -> None:
    if _BAD.search(form) or any(part in ("..", ".") for part in form.split("/")):
        raise _refused(text)


def _refused(text: str) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid path: {text[:200]!r} is not a plain relative path",
        code="InvalidPath",
        hint="name files as folder/file, without '..', '\\', control characters or a leading '/'",
    )


@dataclass(frozen=True)
class Item:
    """One entry of a folder; `size` in bytes, None for a folder."""

    name: str
    is_folder: bool
    size: int | None


def open_file(root: Path, parts: tuple[str, ...]) -> tuple[BinaryIO, int]:
    """A regular file below the root, and its size. Raises `NotFound`."""
    try:
        with _parent(root, parts) as (folder, name):
            handle = os.open(name, _FILE, dir_fd=folder)
    except OSError as error:
        raise _missing(parts) from error
    facts = os.fstat(handle)
    if not stat.S_ISREG(facts.st_mode):
        os.close(handle)
        raise _missing(parts)
    return os.fdopen(handle, "rb", buffering=0), facts.st_size


def kind_of(root: Path, parts: tuple[str, ...]) -> Item | None:
    """What is at this place: a folder, a file, or nothing."""
    try:
        if not parts:
            return Item("", True, None) if root.is_dir() else None
        with _parent(root, parts) as (folder, name):
            facts = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return None
    if stat.S_ISDIR(facts.st_mode):
        return Item(parts[-1], True, None)
    return Item(parts[-1], False, facts.st_size) if stat.S_ISREG(facts.st_mode) else None


def list_folder(root: Path, parts: tuple[str, ...]) -> list[Item]:
    """Entries by name; nothing when there is no such folder. Links that lead out of the root are left out."""
    return sorted(list_part(root, parts, 0, None)[0], key=lambda item: item.name)


def list_part(root: Path, parts: tuple[str, ...], start: int, limit: int | None) -> tuple[list[Item], int]:
    """Entries from `start` on, at most `limit`, folders first and then by name; and how many there are in all.

    Only those are looked at one by one, so that a page of a folder with very many costs little.
    """
    top = _real(root)
    try:
        handle = _open_folder(top, _resolved(top, parts))
    except OSError:
        return [], 0
    try:
        found: list[tuple[bool, str]] = []  # not a folder, name
        linked: dict[str, Item] = {}
        with os.scandir(handle) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False):
                    found.append((True, entry.name))
                elif entry.is_dir(follow_symlinks=False):
                    found.append((False, entry.name))
                elif entry.is_symlink() and (item := _linked(top, (*parts, entry.name))):
                    linked[entry.name] = item
                    found.append((not item.is_folder, entry.name))
        found.sort()
        shown = []
        for plain, name in found[start : None if limit is None else start + limit]:
            if item := linked.get(name) or _entry(handle, name, plain):
                shown.append(item)
        return shown, len(found)
    finally:
        os.close(handle)


def _entry(handle: int, name: str, plain: bool) -> Item | None:
    try:
        return Item(name, not plain, os.stat(name, dir_fd=handle, follow_symlinks=False).st_size if plain else None)
    except FileNotFoundError:  # gone meanwhile
        return None


def _linked(top: Path, parts: tuple[str, ...]) -> Item | None:
    try:
        target = kind_of(top, _resolved(top, parts))
    except OSError:
        return None
    return Item(parts[-1], target.is_folder, target.size) if target else None


def remove(root: Path, parts: tuple[str, ...]) -> None:
    """A file, or a folder with all it holds; a link is removed, never what it points to. Raises `NotFound`."""
    if not parts:
        raise InvalidRequest("the root itself cannot be deleted: name what is below it", code="InvalidPath")
    top = _real(root)
    try:
        folder = _open_folder(top, _resolved(top, parts[:-1]))
    except OSError as error:
        raise _missing(parts) from error
    try:
        facts = os.stat(parts[-1], dir_fd=folder, follow_symlinks=False)
        if stat.S_ISDIR(facts.st_mode):
            shutil.rmtree(parts[-1], dir_fd=folder)
        else:
            os.unlink(parts[-1], dir_fd=folder)
    except FileNotFoundError as error:
        raise _missing(parts) from error
    finally:
        os.close(folder)


class Staged:
    """A file being received: written aside, synced, then put in its place at once. Leaving without `commit` drops it.

    `staging` must be on the file system of `root`.
    """

    def __init__(self, root: Path, parts: tuple[str, ...], staging: Path) -> None:
        if not parts:
            raise InvalidRequest("the path names no file", code="InvalidPath")
        self._root, self._parts = root, parts
        staging.mkdir(parents=True, exist_ok=True)
        self._place = staging / secrets.token_hex(12)
        self._file: BinaryIO | None = self._place.open("xb", buffering=0)

    @classmethod
    def adopt(cls, root: Path, parts: tuple[str, ...], place: Path) -> Staged:
        """A file that is whole already, to be put in its place: it goes away unless it is committed."""
        staged = cls.__new__(cls)
        staged._root, staged._parts, staged._place = root, parts, place
        staged._file = place.open("r+b", buffering=0)
        return staged

    def write(self, data: bytes) -> None:
        assert self._file is not None
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]

    def commit(self) -> None:
        """Raises `Conflict` when a folder has this name or a file stands where a folder is needed."""
        assert self._file is not None
        os.fsync(self._file.fileno())
        self._file.close()
        self._file = None
        self._root.mkdir(parents=True, exist_ok=True)
        top = _real(self._root)
        try:
            folder = _open_folder(top, _resolved(top, self._parts[:-1]), make=True)
            try:
                os.rename(self._place, self._parts[-1], dst_dir_fd=folder)
            finally:
                os.close(folder)
        except OSError as error:
            if error.errno in (errno.EISDIR, errno.ENOTDIR, errno.ENOTEMPTY, errno.EEXIST, errno.ELOOP):
                name = "/".join(self._parts)
                raise Conflict(
                    f"{name} cannot be written: a folder has this name, or a file stands where its folder should be",
                    code="PathTaken",
                    hint="choose another path, or delete what is there",
                ) from error
            if error.errno == errno.EPERM:
                raise _missing(self._parts[:-1]) from error
            raise

    def __enter__(self) -> Staged:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
        self._place.unlink(missing_ok=True)


@contextmanager
def _parent(root: Path, parts: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """The folder of a path, opened, and the last name; links inside the root are resolved first."""
    top = _real(root)
    real = _resolved(top, parts)
    if not real:
        raise FileNotFoundError(errno.ENOENT, "not a file")
    folder = _open_folder(top, real[:-1])
    try:
        yield folder, real[-1]
    finally:
        os.close(folder)


def _real(root: Path) -> Path:
    return Path(os.path.realpath(root))


def _resolved(top: Path, parts: tuple[str, ...]) -> tuple[str, ...]:
    """Where the path leads, below the root. Raises OSError when a link leads out of it."""
    real = Path(os.path.realpath(top.joinpath(*parts)))
    if not real.is_relative_to(top):
        raise PermissionError(errno.EPERM, "a link leads out of the folder")
    return real.relative_to(top).parts


def _open_folder(top: Path, parts: tuple[str, ...], *, make: bool = False) -> int:
    handle = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts:
            if make:
                with _existing():
                    os.mkdir(part, dir_fd=handle)
            below = os.open(part, _FOLDER, dir_fd=handle)
            os.close(handle)
            handle = below
    except BaseException:
        os.close(handle)
        raise
    return handle


@contextmanager
def _existing() -> Iterator[None]:
    with suppress(FileExistsError):
        yield


def _missing(parts: tuple[str, ...]) -> NotFound:
    return NotFound(
        f"No such artifact: '{'/'.join(parts)}'", code="ArtifactNotFound", hint="list the artifacts of the run"
    )
