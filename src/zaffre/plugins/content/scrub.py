"""Finding stored bytes that are not what was stored (REL-16)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from zaffre.base.errors import InvalidRequest, NotFound, Unavailable, ZaffreError
from zaffre.core.manifest import parse
from zaffre.plugins.content.folder import OPEN, Folder, remove, storage
from zaffre.plugins.content.hashing import hash_descriptor
from zaffre.plugins.content.index import BATCH, Index, Place
from zaffre.plugins.content.read import Reader
from zaffre.ports.content import Checked, Damage


def scrub(folder: Folder, index: Index, *, forget: bool, after: int) -> Iterator[Checked]:
    """Every object, then every tree (are its objects here?) and its shared folder. What is collected is no damage.

    With `forget` a damaged object counts as missing from then on, so that adding the original again mends it. The first
    `after` objects and trees are left out.
    """
    with storage(folder.root), Reader(folder, index) as reader:
        number = 0
        for number, (hash_, place) in enumerate(every_object(index), 1):
            if number <= after:
                continue
            reason = wrong_object(hash_, place, reader)
            if reason is not None and forget:
                drop_damaged(hash_, place, folder, index)
            yield Checked(place.size, (Damage(hash_.hex(), reason),) if reason is not None else ())
        for root in every_tree(index)[max(after - number, 0) :]:
            damages = tuple(wrong_tree(root, reader))
            if damages and forget:
                drop_shared(root, folder)
            yield Checked(0, damages)


def drop_damaged(hash_: bytes, place: Place, folder: Folder, index: Index) -> None:
    with index.write() as db:
        db.execute("delete from objects where hash = ? and pack is ?", (hash_, place.pack))
        db.execute("update counters set value = value + 1 where name = 'deletions'")
        if place.pack is None:
            remove(folder.object(hash_.hex()))


def drop_shared(root: bytes, folder: Folder) -> None:
    """Take the shared folder away whole; it is made again when a job asks for it."""
    final = folder.trees / root.hex()
    with folder.staging() as staging, contextlib.suppress(FileNotFoundError):
        os.chmod(final, OPEN)
        final.rename(staging / final.name)


def every_object(index: Index) -> Iterator[tuple[bytes, Place]]:
    """In the order of the disk, in short reads: packs first, then large objects."""
    at: tuple[int, int, bytes] = (-1, -1, b"")
    while True:
        with index.read() as db:
            rows = db.execute(
                "select hash, size, pack, offset from objects "
                "where (coalesce(pack, 1 << 60), coalesce(offset, 0), hash) > (?, ?, ?) "
                "order by coalesce(pack, 1 << 60), coalesce(offset, 0), hash limit ?",
                (*at, BATCH * 10),
            ).fetchall()
        for hash_, *place in rows:
            yield hash_, Place(*place)
        if not rows:
            return
        last = rows[-1]
        at = (1 << 60 if last[2] is None else last[2], last[3] or 0, last[0])


def every_tree(index: Index) -> list[bytes]:
    with index.read() as db:
        return [row[0] for row in db.execute("select root from trees order by root")]


def wrong_object(hash_: bytes, place: Place, reader: Reader) -> str | None:
    try:
        if place.pack is not None:
            reader.packed(hash_, place)
            return None
        with reader.large(hash_, place) as file:
            if hash_descriptor(file.fileno(), hash_.hex()) != hash_:
                return "its bytes are not what was stored"
    except NotFound:
        return None
    except Unavailable as error:
        return error.message.partition("is damaged: ")[2] or error.message
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    return None


def wrong_tree(root: bytes, reader: Reader) -> Iterator[Damage]:
    try:
        with reader.open(root) as file:
            manifest = parse(file.read())
    except NotFound:
        if reader.index.has_tree(root):
            yield Damage(root.hex(), "it is a tree, but its manifest is gone")
        return
    except InvalidRequest as error:
        yield Damage(root.hex(), error.message)
        return
    except ZaffreError:
        return  # the object itself was named above
    places = reader.index.places({bytes.fromhex(entry.hash) for entry in manifest.entries})
    for entry in manifest.entries:
        place = places.get(bytes.fromhex(entry.hash))
        if (place is None or place.size != entry.size) and reader.index.has_tree(root):
            yield Damage(entry.hash, f"it is gone; the tree {manifest.root} needs it as {entry.path!r}")
    shared = reader.folder.trees / manifest.root
    if shared.is_dir():
        for entry in manifest.entries:
            if not intact(shared / entry.path, bytes.fromhex(entry.hash)):
                yield Damage(entry.hash, f"the shared folder {shared} has other content at {entry.path!r}")


def intact(path: Path, hash_: bytes) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        return hash_descriptor(descriptor, str(path)) == hash_
    except ZaffreError:
        return False
    finally:
        os.close(descriptor)
