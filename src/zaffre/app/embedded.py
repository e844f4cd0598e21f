"""The platform in the user's own process: the same services and engine, without HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from pydantic import BaseModel

from zaffre.app.platform import Platform
from zaffre.services.context import Feed
from zaffre.services.handlers import answer
from zaffre.wire.operation import Operation, Request

Q = TypeVar("Q", bound=Request)
R = TypeVar("R", bound=BaseModel)


class InProcess:
    """A transport (see `zaffre.sdk.transport`) that calls the services directly."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

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
