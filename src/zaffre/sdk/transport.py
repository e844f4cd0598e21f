"""How a client reaches the services: over HTTP or in process. Both carry the same operations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

from pydantic import BaseModel

from zaffre.wire.operation import Operation, Request

Q = TypeVar("Q", bound=Request)
R = TypeVar("R", bound=BaseModel)


class Transport(Protocol):
    """Errors of the other side are raised as the kinds of `zaffre.base.errors`."""

    def call(self, operation: Operation[Q, R], request: Q) -> R:
        """Ask once, answer once."""

    def stream_up(self, operation: Operation[Q, R], request: Q, chunks: Iterable[bytes]) -> R:
        """Send a body of bytes."""

    def stream_down(self, operation: Operation[Q, R], request: Q) -> Iterator[bytes]:
        """Bytes as they come. Raises `Unavailable` when the stream breaks before its end."""

    def events(self, operation: Operation[Q, R], request: Q) -> Iterator[R]:
        """Views as they happen, without holes: a broken stream is taken up again after the last one seen."""

    def close(self) -> None:
        """Let go of connections."""
