"""What the gateway's parts share: the event loop, the room for waiting bodies, whom to tell."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Pool:
    loop: asyncio.AbstractEventLoop
    tell: Callable[[dict[str, Any]], None]  # the server, if it listens
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    held_bytes: int = 0  # bodies that are in memory now

    def start(self, work: Any) -> None:
        task = self.loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
