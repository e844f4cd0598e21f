"""What lies at a location, without reading it: so that a source that changed behind a version is noticed and named."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blake3 import blake3

from zaffre.base.errors import Forbidden, InvalidRequest, NotFound, Unavailable, ZaffreError
from zaffre.core.manifest import wrong_path
from zaffre.plugins.datastores.address import hide
from zaffre.plugins.datastores.guard import caused_by_guard, refusal
from zaffre.plugins.datastores.resolver import Resolver
from zaffre.ports.content import Location


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of a source: path in it, where its file system has it, bytes (None: not told), and a tag of its state.

    The tag is the store's ETag, else its time of change.
    """

    path: str
    address: str
    size: int | None
    tag: str
    ranged: bool = True  # parts of it can be asked for


@dataclass(frozen=True)
class Survey:
    """`files` are sorted by path. `single` when the location is one file. `fingerprint` (hex) is the source's state."""

    files: tuple[SourceFile, ...]
    single: bool

    @property
    def fingerprint(self) -> str:
        lines = (f"{file.path}\0{file.size}\0{file.tag}\0" for file in self.files)
        return blake3("".join(lines).encode()).hexdigest()

    @property
    def size(self) -> int:
        return sum(file.size or 0 for file in self.files)


def survey(location: Location, resolver: Resolver) -> Survey:
    """List a source; over HTTP only single files.

    Raises `NotFound` if nothing is there, `Unavailable`, `Forbidden`, `InvalidRequest` for names that are refused.
    """
    if location.local is not None:
        return survey_local(location.local)
    fs, path = resolver.open(location)
    with answering(location):
        return survey_remote(fs, path, location)


def survey_local(path: Path) -> Survey:
    """By size, mtime and inode change time: no content is read."""
    if path.is_file():
        return Survey((local_file(path, path.name),), single=True)
    if not path.is_dir():
        raise NotFound(f"there is no file or folder {path}", code="SourceNotFound")
    files = [local_file(file, file.relative_to(path).as_posix()) for file in local_files(path)]
    return Survey(tuple(sorted(files, key=lambda file: file.path)), single=False)


def local_files(folder: Path) -> Iterator[Path]:
    """Regular files, in no order. Raises `InvalidRequest` naming a symlink that leads out, or a bad name."""
    top = os.path.realpath(folder)
    for place, folders, names in os.walk(folder):
        for name in [*folders, *names]:
            path = os.path.join(place, name)
            refuse_name(os.path.relpath(path, folder), str(folder))
            if os.path.islink(path):
                real = os.path.realpath(path)
                if not real.startswith(top.rstrip("/") + "/"):
                    raise InvalidRequest(f"{path} is a symlink that leads out of the folder", code="InvalidSource")
                if os.path.isdir(real):
                    raise InvalidRequest(f"{path} is a symlink to a folder", code="InvalidSource")
        for name in names:
            path = os.path.join(place, name)
            if not os.path.isfile(path):
                raise InvalidRequest(f"{path} is neither a file nor a folder", code="InvalidSource")
            yield Path(path)


def local_file(path: Path, name: str) -> SourceFile:
    status = path.stat()
    return SourceFile(name, str(path), status.st_size, f"{status.st_mtime_ns}-{status.st_ctime_ns}")


def survey_remote(fs: Any, path: str, location: Location) -> Survey:
    info = fs.info(path)
    name = hide(location.url)
    if info["type"] == "file":
        own = hide(str(info.get("name") or path)).rstrip("/").rpartition("/")[2] or "data"
        refuse_name(own, name)
        ranged = bool(info.get("partial", True))  # only HTTP servers may be unable to
        return Survey((SourceFile(own, path, info.get("size"), tag(info), ranged),), single=True)
    root = str(info.get("name") or path).strip("/")
    files = []
    for address, found in fs.find(path, detail=True).items():
        if found["type"] != "file" or str(address).endswith("/"):
            continue
        relative = str(address).strip("/").removeprefix(root).strip("/")
        if not relative or not str(address).strip("/").startswith(root):
            if found.get("size"):
                raise InvalidRequest(f"{name} lists {address!r}, which is not in it", code="InvalidPath")
            continue
        refuse_name(relative, name)
        files.append(SourceFile(relative, str(address), found.get("size"), tag(found)))
    if not files:
        raise NotFound(f"nothing lies at {name}", code="SourceNotFound")
    return Survey(tuple(sorted(files, key=lambda file: file.path)), single=False)


def tag(info: dict[str, Any]) -> str:
    for key in ("ETag", "etag", "LastModified", "last_modified", "mtime", "created"):
        if info.get(key):
            return str(info[key]).strip('"')
    return ""


def refuse_name(path: str, source: str) -> None:
    reason = wrong_path(path)
    if reason is not None:
        raise InvalidRequest(f"{source} has a file whose name {path!r} {reason}", code="InvalidPath")


def changed(before: Survey, now: Survey) -> list[str]:
    """A sentence for each file that is new, gone or different; sorted by path."""
    old = {file.path: file for file in before.files}
    new = {file.path: file for file in now.files}
    said: list[str] = []
    for path in sorted(old.keys() | new.keys()):
        if path not in new:
            said.append(f"{path} is gone")
        elif path not in old:
            said.append(f"{path} is new")
        elif (old[path].size, old[path].tag) != (new[path].size, new[path].tag):
            sizes = "" if old[path].size == new[path].size else f" ({old[path].size} -> {new[path].size} bytes)"
            said.append(f"{path} was changed{sizes}")
    return said


def status_of(error: BaseException | None) -> int | None:
    """The HTTP status at the root of what a client raised: aiohttp says `status`, Azure `status_code`."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        for name in ("status", "status_code"):
            if isinstance(status := getattr(error, name, None), int):
                return status
        error = error.__cause__ or error.__context__
    return None


class answering:
    """Turns what the clients of clouds raise into errors of ours that name the location and no secret."""

    def __init__(self, location: Location) -> None:
        self.name = hide(location.url)

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, ZaffreError) or not isinstance(error, Exception):
            return
        if caused_by_guard(error):
            raise refusal(self.name) from error
        cause = error.__cause__ if isinstance(error, FileNotFoundError) and error.__cause__ else error
        status = status_of(error)
        if isinstance(cause, ValueError) and status is None:  # how aiohttp calls a wrong URL
            raise InvalidRequest(f"{self.name} is not a URL that can be fetched: {cause}") from error
        if isinstance(cause, FileNotFoundError) or status in (404, 410):
            raise NotFound(f"nothing lies at {self.name}", code="SourceNotFound") from error
        if isinstance(cause, PermissionError) or status in (401, 403):
            raise Forbidden(
                f"{self.name} refuses these credentials", code="SourceForbidden", hint="give the datastore credentials"
            ) from error
        raise Unavailable(f"{self.name} does not answer: {type(cause).__name__}", code="SourceUnavailable") from error
