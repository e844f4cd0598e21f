"""The head of an answer leaves with its body: uvicorn writes the two one after the other, and each write costs a system
call here, and wakes up the client.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

SMALL = 1 << 16  # bytes: copying more costs as much as a call


class OneWrite:
    """A transport that keeps the head of an answer until the body comes, or until the end of this round of the loop."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._head = b""

    def write(self, data: bytes) -> None:
        if self._head and len(data) < SMALL:
            head, self._head = self._head, b""
            self._transport.write(head + data)
        elif data[:9] == b"HTTP/1.1 " and len(data) < SMALL:
            self._flush()
            self._head = data
            self._loop.call_soon(self._flush)
        else:
            self._flush()
            self._transport.write(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Protocol(HttpToolsProtocol):
    """HTTP for uvicorn."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        kept = OneWrite(cast(asyncio.Transport, transport), self.loop)
        super().connection_made(cast(asyncio.Transport, kept))
