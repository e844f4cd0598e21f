"""One revision of a deployment: being prepared, starting, serving, kept in reserve, or failed."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from zaffre.engine.serving.files import Prepared
from zaffre.engine.serving.worker import Worker

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0  # before a worker that ended is started anew
CALM_S = 60.0  # a worker that lived so long begins again with the first pause


class Stage(StrEnum):
    PREPARING = "preparing"
    STARTING = "starting"
    READY = "ready"
    FAILED = "failed"


@dataclass
class Revision:
    number: int
    run: dict[str, Any]
    folder: Path
    stage: Stage = Stage.PREPARING
    prepared: Prepared | None = None
    message: str | None = None
    workers: list[Worker] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    wanted: int = 1
    next_start: float = 0.0
    pause_s: float = FIRST_PAUSE_S
    restarts: int = 0
    reserve_until: float = 0.0  # it serves no more; until then it can be gone back to at once
    cancelled: bool = False

    @property
    def ready(self) -> list[Worker]:
        return [worker for worker in self.workers if worker.ready and worker.leaving_since is None]

    @property
    def staying(self) -> list[Worker]:
        return [worker for worker in self.workers if worker.leaving_since is None]

    def fail(self, message: str) -> None:
        self.stage, self.message = Stage.FAILED, message

    def worker_ended(self, worker: Worker, now: float) -> None:
        """Another one is started after a pause, which grows as long as they keep ending."""
        self.workers.remove(worker)
        if now - worker.started_at > CALM_S:
            self.pause_s = FIRST_PAUSE_S
        self.next_start = now + self.pause_s
        self.pause_s = min(self.pause_s * 2, LONGEST_PAUSE_S)
        self.restarts += 1
