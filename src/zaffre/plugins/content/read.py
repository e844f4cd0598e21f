"""Reading objects: a few bytes out of a pack, checked against their hash, or a file of its own."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from typing import BinaryIO

from blake3 import blake3

from zaffre.base.errors import NotFound, Unavailable
from zaffre.plugins.content.folder import STAMP_NS, Folder
from zaffre.plugins.content.index import Index, Place


class Reader:
    """Reads one object after the other and keeps the last pack open. For one thread; close it.

    Raises `NotFound` for an object that is not here, `Unavailable` (code `ContentDamaged`) for one that is not what
    was stored.
    """

    def __init__(self, folder: Folder, index: Index) -> None:
        self.folder, self.index = folder, index
        self._pack: tuple[int, BinaryIO] | None = None

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pack is not None:
            self._pack[1].close()

    def places(self, hashes: Sequence[bytes]) -> dict[bytes, Place]:
        """Where these objects lie, all of them."""
        found = self.index.places(hashes)
        for hash_ in hashes:
            if hash_ not in found:
                raise missing(hash_)
        return found

    def packed(self, hash_: bytes, place: Place) -> bytes:
        """The content of an object in a pack, checked. One that was repacked just now is looked up again."""
        for _ in range(2):
            data = self._slice(place)
            if data is not None:
                if len(data) != place.size or blake3(data).digest() != hash_:
                    raise damaged(self.folder, hash_, "its bytes are not what was stored")
                return data
            again = self.index.places([hash_]).get(hash_)
            if again is None:
                raise missing(hash_)
            if again.pack is None or again.pack == place.pack:
                break
            place = again
        raise damaged(self.folder, hash_, "its pack is gone")

    def _slice(self, place: Place) -> bytes | None:
        assert place.pack is not None
        assert place.offset is not None
        if self._pack is None or self._pack[0] != place.pack:
            name = self.index.pack_name(place.pack)
            if name is None:
                return None
            if self._pack is not None:
                self._pack[1].close()
                self._pack = None
            try:
                self._pack = place.pack, open(self.folder.packs / name, "rb", buffering=0)  # noqa: SIM115
            except FileNotFoundError:
                return None
        return os.pread(self._pack[1].fileno(), place.size, place.offset)

    def large(self, hash_: bytes, place: Place) -> io.FileIO:
        """An open file with the content of a large object; its size and time stamp show that nobody wrote to it."""
        try:
            file = io.FileIO(self.folder.object(hash_.hex()))
        except FileNotFoundError:
            if hash_ not in self.index.places([hash_]):
                raise missing(hash_) from None
            raise damaged(self.folder, hash_, "its file is gone") from None
        status = os.fstat(file.fileno())
        if status.st_size != place.size or status.st_mtime_ns != STAMP_NS:
            file.close()
            raise damaged(self.folder, hash_, "its file was written to")
        return file

    def open(self, hash_: bytes) -> BinaryIO:
        place = self.places([hash_])[hash_]
        if place.pack is not None:
            return io.BytesIO(self.packed(hash_, place))
        return io.BufferedReader(self.large(hash_, place))


def missing(hash_: bytes) -> NotFound:
    return NotFound(f"the content store has no object {hash_.hex()}", code="ContentNotFound")


def damaged(folder: Folder, hash_: bytes, reason: str) -> Unavailable:
    return Unavailable(
        f"the object {hash_.hex()} of the content store {folder.root} is damaged: {reason}",
        code="ContentDamaged",
        hint="`zaffre storage scrub --forget`, then add the original files again",
    )
