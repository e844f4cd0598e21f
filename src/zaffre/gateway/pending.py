"""A request that waits for its answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# (kind of frame, payload, requests scored together); None: there is no answer, `reason` says why
Done = Callable[["Pending", int, bytes, int], None]


class Pending:
    """`frame` is complete but for its number. `done` is called once, whatever happens."""

    __slots__ = ("began", "context", "done", "kind", "over", "payload", "sent_at", "worker")

    def __init__(self, kind: int, payload: bytes, done: Done, began: float, context: Any = None) -> None:
        self.kind, self.payload, self.done, self.began, self.context = kind, payload, done, began, context
        self.over = False
        self.worker: Any = None
        self.sent_at = 0.0


GONE, LATE, FULL, STOPPED = 200, 201, 202, 203  # kinds of our own: worker died, too late, queue full, not running
