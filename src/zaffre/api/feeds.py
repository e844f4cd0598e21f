"""A feed becomes a stream over HTTP: its steps run in threads, its waiting costs none."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from starlette.concurrency import run_in_threadpool

from zaffre.services.context import Context, Feed

KEEP_ALIVE_S = 15.0  # an empty line, so that nobody in between believes the connection dead


def _wake(loop: asyncio.AbstractEventLoop, changed: asyncio.Event) -> None:
    """From the thread that committed."""
    loop.call_soon_threadsafe(changed.set)


async def follow(ctx: Context, feed: Feed[Any]) -> AsyncIterator[bytes]:
    """Events become JSON lines, bytes stay as they are."""
    loop = asyncio.get_running_loop()
    changed = asyncio.Event()
    end = ctx.changes.subscribe(feed.topic, lambda: _wake(loop, changed))
    quiet = 0.0
    try:
        while True:
            changed.clear()
            running = asyncio.ensure_future(run_in_threadpool(feed.step))
            while not (await asyncio.wait({running}, timeout=KEEP_ALIVE_S))[0]:  # it reads a very large file, say
                if feed.poll_s >= 1.0:
                    yield b"\n"
            items, over = running.result()
            for item in items:
                yield item if isinstance(item, bytes) else item.model_dump_json(exclude_none=True).encode() + b"\n"
            if over:
                return
            if items:
                quiet = 0.0
                continue
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), feed.poll_s)
            quiet += feed.poll_s
            if quiet >= KEEP_ALIVE_S and feed.poll_s >= 1.0:
                quiet = 0.0
                yield b"\n"
    finally:
        end()
