"""Many small objects in one file, and the same frames on the wire.

A frame is the 32 bytes of the hash, the size as 8 bytes (big-endian), and the content. A pack is frames and nothing
else, so that the index could be made again from the packs alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

HEADER = 40
PACK_BYTES = 2**30  # a further pack is begun above this size, so that repacking never moves more at once
BUFFER = 4 * 2**20


def header(hash_: bytes, size: int) -> bytes:
    return hash_ + size.to_bytes(8, "big")


class PackWriter:
    """Appends objects to one staged file. `offsets` has hash -> (offset of the content, size)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offsets: dict[bytes, tuple[int, int]] = {}
        self.size = 0
        self._file = open(path, "xb", buffering=BUFFER)  # noqa: SIM115 (closed by finish or close)

    def append(self, hash_: bytes, data: bytes) -> None:
        self._file.write(header(hash_, len(data)))
        self._file.write(data)
        self.offsets[hash_] = (self.size + HEADER, len(data))
        self.size += HEADER + len(data)

    def finish(self) -> None:
        """All bytes are on the disk after this; read-only."""
        self._file.flush()
        os.fchmod(self._file.fileno(), 0o444)
        os.fsync(self._file.fileno())
        self._file.close()

    def close(self) -> None:
        """Give up; what is still buffered is not needed."""
        try:
            self._file.close()
        except OSError:
            self._file.close()


def frames(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Hash, offset and size of each frame of a pack, up to a frame that is cut off."""
    end = os.fstat(file.fileno()).st_size
    offset = 0
    while offset + HEADER <= end:
        file.seek(offset)
        head = file.read(HEADER)
        size = int.from_bytes(head[32:], "big")
        if offset + HEADER + size > end:
            return
        yield head[:32], offset + HEADER, size
        offset += HEADER + size
