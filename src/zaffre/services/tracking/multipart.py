"""Uploads in parts: they may come in any order, together, again, and after a pause of days.

All parts but the last have one size, so each has its place in one file from the start: nothing is put together at the
end. A part counts when it is on the disk as a whole.

    <artifact store>/.staging/mpu-<upload>/upload.json   where it goes, how many parts
                                          /size          of every part but the last
                                          /data          the file that it becomes
                                          /last          the last part
                                          /done-<part>   its size
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import orjson

from zaffre.base.confine import Staged
from zaffre.base.errors import NotFound
from zaffre.services.context import Context
from zaffre.services.tracking.artifacts import ARTIFACT_STORE, place_of_upload
from zaffre.services.tracking.values import wrong

PARTS = 10_000
PART_BYTES = 5 * 2**30
KEPT_S = 7 * 24 * 3600  # an upload that nobody goes on with


@dataclass(frozen=True)
class Upload:
    id: str
    path: str
    parts: int
    folder: Path

    @property
    def there(self) -> list[int]:
        """The parts that have come."""
        return sorted(int(file.name.removeprefix("done-")) for file in self.folder.glob("done-*"))


def create_upload(context: Context, workspace: str, path: str, parts: int) -> Upload:
    """Raises `InvalidRequest` for a path that escapes or a wrong number of parts, `Forbidden` for what is not his."""
    if not 0 < parts <= PARTS:
        raise wrong(f"Invalid value {parts} for parameter 'num_parts' supplied: it must be between 1 and {PARTS}")
    if not place_of_upload(context, workspace, path).parts:
        raise wrong(f"Invalid path: {path[:200]!r} names no file")
    staging = _staging(context, workspace)
    _sweep(staging)
    upload = secrets.token_hex(12)
    folder = staging / f"mpu-{upload}"
    folder.mkdir(parents=True)
    (folder / "data").touch()
    (folder / "upload.json").write_bytes(orjson.dumps({"path": path, "parts": parts}))
    return Upload(upload, path, parts, folder)


def get_upload(context: Context, workspace: str, upload: str) -> Upload:
    """Raises `NotFound`."""
    folder = _staging(context, workspace) / f"mpu-{upload}"
    try:
        if not re.fullmatch("[0-9a-f]{24}", upload):
            raise FileNotFoundError
        told = orjson.loads((folder / "upload.json").read_bytes())
    except (OSError, ValueError):
        raise NotFound(
            f"No such upload: '{upload[:100]}'", code="UploadNotFound", hint="it was completed or aborted: start anew"
        ) from None
    return Upload(upload, told["path"], told["parts"], folder)


class Part:
    """One part being received; it counts once `commit` was called."""

    def __init__(self, upload: Upload, number: int, size: int | None) -> None:
        """Raises `InvalidRequest` for a part that does not fit in."""
        if not 1 <= number <= upload.parts:
            raise wrong(f"Invalid part {number}: the upload has {upload.parts} parts")
        if size is None or not 0 <= size <= PART_BYTES:
            raise wrong(f"A part names its size (Content-Length), at most {PART_BYTES} bytes")
        self._upload, self._number, self._left, self.size = upload, number, size, size
        self._file: BinaryIO
        if number == upload.parts:
            self._file = (upload.folder / "last").open("wb", buffering=0)
        else:
            whole = _part_size(upload, size)
            if whole != size:
                raise wrong(f"Part {number} has {size} bytes: every part but the last has {whole}")
            self._file = (upload.folder / "data").open("r+b", buffering=0)
            self._file.seek((number - 1) * size)
        self._mark.unlink(missing_ok=True)

    @property
    def _mark(self) -> Path:
        return self._upload.folder / f"done-{self._number}"

    @property
    def etag(self) -> str:
        return _etag(self._number, self.size)

    def write(self, data: bytes) -> None:
        """Raises `InvalidRequest` when there is more than was said."""
        self._left -= len(data)
        if self._left < 0:
            raise wrong(f"Part {self._number} is larger than it said")
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]

    def commit(self) -> None:
        if self._left:
            raise wrong(f"Part {self._number} is cut off: {self._left} bytes are missing")
        os.fdatasync(self._file.fileno())
        self._mark.write_text(str(self.size))

    def __enter__(self) -> Part:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def complete_upload(context: Context, workspace: str, path: str, upload: str, etags: dict[int, str]) -> None:
    """Put the file in its place. Raises `InvalidRequest` that names the parts that are missing or were replaced."""
    found = _upload_of(context, workspace, path, upload)
    there = {number: int((found.folder / f"done-{number}").read_text()) for number in found.there}
    missing = [number for number in range(1, found.parts + 1) if number not in there]
    if missing:
        raise wrong(f"Parts are missing: {', '.join(map(str, missing[:20]))}; send them, then complete the upload")
    for number, etag in etags.items():
        if etag and (number not in there or etag.strip('"') != _etag(number, there[number]).strip('"')):
            raise wrong(f"Part {number} is not the one that was sent: its ETag is {_etag(number, there[number])}")
    place = place_of_upload(context, workspace, path)
    data = found.folder / "data"
    before = sum(size for number, size in there.items() if number != found.parts)
    with data.open("r+b", buffering=0) as file, (found.folder / "last").open("rb", buffering=0) as last:
        file.truncate(before)
        file.seek(before)
        shutil.copyfileobj(last, file, 2**20)
    with Staged.adopt(place.root, place.parts, data) as staged:
        staged.commit()
    shutil.rmtree(found.folder, ignore_errors=True)


def abort_upload(context: Context, workspace: str, path: str, upload: str) -> None:
    """Nothing of it stays. Raises `NotFound`."""
    shutil.rmtree(_upload_of(context, workspace, path, upload).folder, ignore_errors=True)


def _upload_of(context: Context, workspace: str, path: str, upload: str) -> Upload:
    found = get_upload(context, workspace, upload)
    if found.path != path:
        raise wrong(f"Upload '{upload}' is one of another path")
    return found


def _part_size(upload: Upload, size: int) -> int:
    """What the first part to come has, however many come together."""
    own = upload.folder / f"size-{secrets.token_hex(6)}"
    own.write_text(str(size))
    try:
        with suppress(FileExistsError):
            os.link(own, upload.folder / "size")
    finally:
        own.unlink()
    return int((upload.folder / "size").read_text())


def _etag(number: int, size: int) -> str:
    return f'"{number}-{size}"'


def _staging(context: Context, workspace: str) -> Path:
    return context.home.store(workspace, ARTIFACT_STORE) / ".staging"


def _sweep(staging: Path) -> None:
    for folder in staging.glob("mpu-*"):
        with suppress(OSError):
            newest = max(file.stat().st_mtime for file in (folder, *folder.iterdir()))
            if newest < time.time() - KEPT_S:
                shutil.rmtree(folder, ignore_errors=True)
