"""The connection to one worker: requests go out together, answers come back in any order."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any, cast

from zaffre.gateway.pending import GONE, Pending
from zaffre.gateway.pool import Pool
from zaffre.runtime.zaffre_scoring import frames

if TYPE_CHECKING:
    from zaffre.gateway.deployment import Deployment

log = logging.getLogger("zaffre.gateway")
ANSWER_BYTES = 1 << 30
RETRY_S = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
SHARED = 16  # requests that a worker without batches may have at once: it never waits for the next one


class Worker(asyncio.Protocol):
    """Of one deployment. `ready` once it said hello."""

    def __init__(self, pool: Pool, owner: Deployment, worker_id: str, path: str) -> None:
        self.pool, self.owner, self.id, self.path = pool, owner, worker_id, path
        self.transport: asyncio.Transport | None = None
        self.hello: dict[str, Any] = {}
        self.ready = self.draining = self.closed = False
        self.window = 1
        self.pending: dict[int, Pending] = {}
        self.numbers = 0
        self.out: list[bytes] = []
        self.buffer = b""
        self.stuck = 0  # requests in a row that came too late
        pool.start(self._connect())

    async def _connect(self) -> None:
        attempt = 0
        while not self.closed:
            try:
                await self.pool.loop.create_unix_connection(lambda: self, self.path)
                return
            except OSError:
                await asyncio.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
                attempt += 1

    # --- asking ---

    @property
    def room(self) -> bool:
        return self.ready and not self.draining and len(self.pending) < self.window

    def send(self, pending: Pending) -> None:
        self.numbers += 1
        number = self.numbers
        pending.worker = self
        self.pending[number] = pending
        payload = pending.payload
        self.out.append(frames.HEAD.pack(len(payload), number, pending.kind, 0))
        self.out.append(payload)
        pending.payload = b""
        if len(self.out) == 2:
            self.pool.loop.call_soon(self._flush)

    def _flush(self) -> None:
        out, self.out = self.out, []
        if self.transport is not None and not self.closed:
            self.transport.write(b"".join(out))

    def close(self) -> None:
        """No answer comes any more."""
        self.closed, self.ready = True, False
        if self.transport is not None:
            self.transport.abort()

    # --- asyncio ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=1 << 24)

    def connection_lost(self, _error: Exception | None) -> None:
        self.transport, self.ready = None, False
        self.buffer = b""
        lost, self.pending = self.pending, {}
        for pending in lost.values():
            if not pending.over:
                pending.done(pending, GONE, b"", 0)
        if not self.closed:
            self.owner.changed()
            self.pool.start(self._connect())

    def data_received(self, data: bytes) -> None:
        if self.buffer:
            data = self.buffer + data
        place, end = 0, len(data)
        head, size = frames.HEAD, frames.HEAD.size
        while end - place >= size:
            length, number, kind, batch = head.unpack_from(data, place)
            if length > ANSWER_BYTES:
                log.error("worker %s sent a frame of %d bytes", self.id, length)
                return self.close()
            start = place + size
            if end - start < length:
                break
            place = start + length
            if kind == frames.HELLO:
                self._greeted(data[start:place])
                continue
            pending = self.pending.pop(number, None)
            if pending is not None and not pending.over:
                self.stuck = 0
                pending.done(pending, kind, data[start:place], batch)
        self.buffer = data[place:] if place < end else b""
        if self.owner.waiting:
            self.owner.feed()
        return None

    def _greeted(self, payload: bytes) -> None:
        self.hello = json.loads(payload)
        batch = int(self.hello.get("batch") or 1)
        concurrency = int(self.hello.get("concurrency") or 1)
        self.window = 2 * batch if batch > 1 else max(SHARED, 2 * concurrency)
        self.ready = True
        self.owner.changed()
