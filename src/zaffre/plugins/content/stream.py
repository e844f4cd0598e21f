"""Objects between machines: frames of 32 bytes hash, 8 bytes size (big-endian), content; each is checked on arrival."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from blake3 import blake3

from zaffre.base.errors import InvalidRequest
from zaffre.plugins.content.folder import Folder, room_for, seal, storage
from zaffre.plugins.content.hashing import BLOCK, SMALL, write_all
from zaffre.plugins.content.index import Index, Place
from zaffre.plugins.content.ingest import Ingest
from zaffre.plugins.content.pack import HEADER, header
from zaffre.plugins.content.read import Reader

CHUNK = 2**20  # bytes; small frames travel together


def send(hashes: Sequence[bytes], folder: Folder, index: Index) -> Iterator[bytes]:
    """Raises `NotFound` before the first byte if an object is not here. Order is that of the disk."""
    unique = list(dict.fromkeys(hashes))
    with Reader(folder, index) as reader:
        places = reader.places(unique)
    return frames_of(places, folder, index)


def frames_of(places: dict[bytes, Place], folder: Folder, index: Index) -> Iterator[bytes]:
    waiting = bytearray()
    with Reader(folder, index) as reader:
        for hash_, place in sorted(places.items(), key=lambda item: (item[1].pack or 0, item[1].offset or 0)):
            waiting += header(hash_, place.size)
            if place.pack is not None:
                waiting += reader.packed(hash_, place)
            else:
                with reader.large(hash_, place) as file:
                    while block := file.read(BLOCK):
                        yield bytes(waiting) + block
                        waiting.clear()
            if len(waiting) >= CHUNK:
                yield bytes(waiting)
                waiting.clear()
    if waiting:
        yield bytes(waiting)


def receive(stream: Iterator[bytes], folder: Folder, index: Index) -> list[bytes]:
    """Take in frames; the hashes in the order of arrival.

    Raises `InvalidRequest` for content that is not what its hash says and for a stream that ends inside a frame;
    whole objects that came before are kept, so that a further attempt need not send them again.
    """
    received: list[bytes] = []
    source = Source(stream)
    with storage(folder.root), Ingest(folder, index) as ingest:
        try:
            while head := source.take(HEADER, may_end=True):
                hash_, size = head[:32], int.from_bytes(head[32:], "big")
                if size <= SMALL:
                    data = source.take(size)
                    if blake3(data).digest() != hash_:
                        raise wrong(hash_)
                    if not index.places([hash_]):
                        ingest.small(hash_, data)
                else:
                    receive_large(source, hash_, size, ingest)
                received.append(hash_)
        except InvalidRequest:
            ingest.publish()
            raise
        ingest.publish()
    return received


def receive_large(source: Source, hash_: bytes, size: int, ingest: Ingest) -> None:
    room_for(ingest.folder.root, size)
    staged = ingest.file()
    hasher = blake3(max_threads=blake3.AUTO)
    target = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        left = size
        while left:
            block = source.some(min(left, BLOCK))
            hasher.update(block)
            write_all(target, block)
            left -= len(block)
        seal(target)
    finally:
        os.close(target)
    if hasher.digest() != hash_:
        raise wrong(hash_)
    if ingest.index.places([hash_]):
        staged.unlink()
    else:
        ingest.large(hash_, staged, size)


class Source:
    """Exact numbers of bytes out of chunks of any size."""

    def __init__(self, stream: Iterator[bytes]) -> None:
        self._stream = iter(stream)
        self._chunk = memoryview(b"")

    def some(self, limit: int) -> memoryview:
        """At least one byte, at most `limit`, without copying."""
        while not self._chunk:
            try:
                self._chunk = memoryview(next(self._stream))
            except StopIteration:
                raise InvalidRequest("the stream of objects ends too early", code="StreamCutOff") from None
        taken, self._chunk = self._chunk[:limit], self._chunk[limit:]
        return taken

    def take(self, size: int, *, may_end: bool = False) -> bytes:
        """Exactly `size` bytes; nothing if the stream ends here and `may_end`."""
        taken = bytearray()
        while len(taken) < size:
            try:
                taken += self.some(size - len(taken))
            except InvalidRequest:
                if may_end and not taken:
                    return b""
                raise
        return bytes(taken)


def wrong(hash_: bytes) -> InvalidRequest:
    return InvalidRequest(f"what came as the object {hash_.hex()} has another hash", code="WrongHash")
