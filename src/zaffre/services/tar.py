"""A tar stream made member by member, with constant memory."""

from __future__ import annotations

import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass

BLOCK = 512


@dataclass(frozen=True)
class Member:
    """One file: its path in the archive, how many bytes it will have, and those bytes."""

    name: str
    size: int
    content: Iterator[bytes]
    executable: bool = False


def stream(members: Iterator[Member]) -> Iterator[bytes]:
    """A file that grows while it is sent is cut at the size announced; one that shrinks is filled with zeros."""
    for member in members:
        header = tarfile.TarInfo(member.name)
        header.size, header.mtime = member.size, int(time.time())
        header.mode = 0o755 if member.executable else 0o644
        yield header.tobuf(tarfile.PAX_FORMAT)
        left = member.size
        for chunk in member.content:
            part = chunk[:left]
            left -= len(part)
            if part:
                yield part
            if not left:
                break
        yield b"\0" * left + b"\0" * (-member.size % BLOCK)
    yield b"\0" * (2 * BLOCK)
