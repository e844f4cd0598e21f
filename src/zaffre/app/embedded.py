"""The platform in the user's own process: the same services and engine, called without HTTP.

Jobs are processes of their own, and what they log reaches us through a door on loopback, which takes only the tokens
that jobs are given.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import uvicorn
from pydantic import BaseModel

from zaffre.app.platform import Platform, open_platform
from zaffre.app.server import LOOPBACK, doors, listen
from zaffre.services.context import Feed, Settings
from zaffre.services.handlers import answer
from zaffre.wire.operation import Operation, Request

Q = TypeVar("Q", bound=Request)
R = TypeVar("R", bound=BaseModel)


def open_embedded(
    root: Path, rewrites: Mapping[str, str] | None = None, *, allow_private_addresses: bool = False
) -> InProcess:
    """`rewrites`: prefix of URLs -> where they are read instead. Raises what `open_platform` raises."""
    listener = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        platform = open_platform(root, Settings(url, dict(rewrites or {}), allow_private_addresses))
    except BaseException:
        listener.close()
        raise
    app = doors(platform, secrets.token_hex(32), frozenset(LOOPBACK))
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1)
    door = uvicorn.Server(config)
    threading.Thread(target=door.run, kwargs={"sockets": [listener]}, name="door", daemon=True).start()
    return InProcess(platform, door)


class InProcess:
    """A transport (see `zaffre.sdk.transport`) that calls the services directly."""

    def __init__(self, platform: Platform, door: uvicorn.Server | None = None) -> None:
        self._platform, self._door = platform, door

    def call(self, operation: Operation[Q, R], request: Q) -> R:
        return answer(self._platform.ctx, operation.name, request)  # type: ignore[no-any-return]

    def stream_up(self, operation: Operation[Q, R], request: Q, chunks: Iterable[bytes]) -> R:
        return answer(self._platform.ctx, operation.name, request, iter(chunks))  # type: ignore[no-any-return]

    def stream_down(self, operation: Operation[Q, R], request: Q) -> Iterator[bytes]:
        found = answer(self._platform.ctx, operation.name, request)
        yield from self._follow(found) if isinstance(found, Feed) else found

    def events(self, operation: Operation[Q, R], request: Q) -> Iterator[R]:
        yield from self._follow(answer(self._platform.ctx, operation.name, request))

    def close(self) -> None:
        if self._door is not None:
            self._door.should_exit = True
        self._platform.close()

    def _follow(self, feed: Feed[Any]) -> Iterator[Any]:
        changed = threading.Event()
        end = self._platform.ctx.changes.subscribe(feed.topic, changed.set)
        try:
            while True:
                changed.clear()
                items, over = feed.step()
                yield from items
                if over:
                    return
                if not items:
                    changed.wait(feed.poll_s)
        finally:
            end()
