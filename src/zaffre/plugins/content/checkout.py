"""From a tree to files: a private writable copy, or one read-only folder that many jobs share."""

from __future__ import annotations

import os
from pathlib import Path

from zaffre.base.errors import Conflict, InvalidRequest
from zaffre.core.manifest import Entry, Manifest, check
from zaffre.plugins.content.folder import CLOSED, OPEN, STAMP_NS, Folder, remove, storage
from zaffre.plugins.content.hashing import copy_file, write_all
from zaffre.plugins.content.index import Index, Place
from zaffre.plugins.content.read import Reader


def checkout(manifest: Manifest, target: Path, folder: Folder, index: Index) -> None:
    """A writable copy in `target`, a new or empty folder; on failure what was written is taken away again.

    Raises `Conflict` if the folder holds something.
    """
    with storage(target):
        made = not target.exists()
        target.mkdir(parents=True, exist_ok=True)
        if not made and any(target.iterdir()):
            raise Conflict(f"{target} is not empty", code="TargetNotEmpty", hint="name a new or an empty folder")
        try:
            write_tree(manifest, target, folder, index, shared=False)
        except BaseException:
            for path in [target] if made else list(target.iterdir()):
                remove(path)
            raise


def shared(manifest: Manifest, folder: Folder, index: Index) -> Path:
    """The read-only folder of the tree; whoever comes first makes it beside its place and renames it there."""
    final = folder.trees / manifest.root
    if final.is_dir():
        return final
    with storage(folder.root), folder.staging() as staging:
        work = staging / manifest.root
        work.mkdir()
        write_tree(manifest, work, folder, index, shared=True)
        os.chmod(work, OPEN)  # a folder that may not be written to cannot be renamed
        try:
            work.rename(final)
        except OSError:
            if not final.is_dir():  # else another process was quicker
                raise
        os.chmod(final, CLOSED)
    return final


def write_tree(manifest: Manifest, target: Path, folder: Folder, index: Index, *, shared: bool) -> None:
    """Write every file in the order of the paths. `target` is an empty folder that nobody else writes to.

    Every folder and file is made here and now, never opened: so nothing can lead out of `target`, and two names
    that are one on this file system (letter case, Unicode forms) are refused instead of overwriting each other.
    """
    check(manifest.entries)
    hashes = [bytes.fromhex(entry.hash) for entry in manifest.entries]
    folders: dict[str, None] = {}
    with Reader(folder, index) as reader:
        places = reader.places(hashes)
        for entry, hash_ in zip(manifest.entries, hashes, strict=True):
            make_folders(target, entry.path, folders)
            write_file(target, entry, hash_, places[hash_], reader, shared=shared)
    if shared:
        for name in sorted(folders, reverse=True):
            os.chmod(target / name, CLOSED)


def make_folders(target: Path, path: str, made: dict[str, None]) -> None:
    parent = path.rpartition("/")[0]
    if parent and parent not in made:
        make_folders(target, parent, made)
        try:
            os.mkdir(target / parent)
        except FileExistsError:
            raise collision(target, parent) from None
        made[parent] = None


def write_file(target: Path, entry: Entry, hash_: bytes, place: Place, reader: Reader, *, shared: bool) -> None:
    path = f"{target}/{entry.path}"
    try:
        if place.pack is None and shared and not entry.executable and link(hash_, place, path, reader):
            return
        mode = (0o555 if entry.executable else 0o444) if shared else (0o755 if entry.executable else 0o644)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    except FileExistsError:
        raise collision(target, entry.path) from None
    try:
        if place.pack is not None:
            write_all(descriptor, reader.packed(hash_, place))
        else:
            with reader.large(hash_, place) as source:
                copy_file(source.fileno(), descriptor)
        if shared:
            os.utime(descriptor, ns=(STAMP_NS, STAMP_NS))
    finally:
        os.close(descriptor)


def link(hash_: bytes, place: Place, path: str, reader: Reader) -> bool:
    """Hard-link a large object; False where that cannot be (other file system, too many links)."""
    reader.large(hash_, place).close()  # refuses one that was written to
    try:
        os.link(reader.folder.object(hash_.hex()), path)
    except FileExistsError:
        raise
    except OSError:
        return False
    return True


def collision(target: Path, path: str) -> InvalidRequest:
    return InvalidRequest(
        f"the path {path!r} is the same as another path of the tree on the file system of {target}",
        code="InvalidPath",
        hint="rename one of the two; they differ only in letter case or Unicode form",
    )
