"""Unpack a tar stream that came from elsewhere: files and folders below the target, and nothing else."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from zaffre.base import errors


def unpack(chunks: Iterator[bytes], target: Path) -> list[Path]:
    """Write the files of a tar stream below `target` (made if missing) and return them.

    Each file appears whole or not at all. Raises `InvalidRequest` for a member that is a link, a device, absolute or
    leads out of the target; what came before it stays.
    """
    target.mkdir(parents=True, exist_ok=True)
    root, written = target.resolve(), []
    try:
        with tarfile.open(fileobj=_Reader(chunks), mode="r|") as archive:
            for member in archive:
                place = _confined(root, member.name)
                if member.isdir():
                    place.mkdir(parents=True, exist_ok=True)
                elif member.isreg():
                    _write(archive, member, place)
                    written.append(place)
                else:
                    raise _refused(member.name, "is a link or a device")
    except tarfile.ReadError as error:
        raise errors.Unavailable(f"the download is cut off or damaged: {error}", hint="try again") from error
    return written


def _confined(root: Path, name: str) -> Path:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name or (os.sep != "/" and os.sep in name):
        raise _refused(name, "leads out of the folder")
    place = root.joinpath(*path.parts)
    if not place.parent.resolve().is_relative_to(root):  # through a link that was there before
        raise _refused(name, "leads out of the folder through a link")
    return place


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, place: Path) -> None:
    source = archive.extractfile(member)
    assert source is not None
    place.parent.mkdir(parents=True, exist_ok=True)
    staged = place.with_name(f".{place.name[:200]}.part")
    staged.unlink(missing_ok=True)
    try:
        with open(os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
            shutil.copyfileobj(source, file, 1 << 20)
        if member.mode & 0o100:
            staged.chmod(staged.stat().st_mode | 0o111)
        os.replace(staged, place)
    finally:
        staged.unlink(missing_ok=True)


def _refused(name: str, why: str) -> errors.InvalidRequest:
    return errors.InvalidRequest(f"the download holds `{name}`, which {why}: refused", code="UnsafeArchive")


class _Reader(io.RawIOBase):
    """What `tarfile` reads from an iterator of bytes."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = chunks, b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        parts, have = [self._rest], len(self._rest)
        while size < 0 or have < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            parts.append(chunk)
            have += len(chunk)
        content = b"".join(parts)
        end = have if size < 0 else size
        self._rest = content[end:]
        return content[:end]
