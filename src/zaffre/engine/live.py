"""What the engine holds in memory of a living job. All of it can be rebuilt from the database and the job's folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zaffre.core.plan import Progress
from zaffre.ports.compute import Capacity, Task
from zaffre.services.metrics.event_files import EventFiles
from zaffre.store.jobs import JobRecord


@dataclass
class Tree:
    """A root job and everything below it. It belongs to one engine, by the lease of the root."""

    root: JobRecord
    living: dict[int, Live] = field(default_factory=dict)
    verified: dict[str, list[str]] = field(default_factory=dict)  # path of a step -> its outputs that differ

    @property
    def environments(self) -> dict[str, Any]:
        return (self.root.plan or {}).get("environments") or {}

    @property
    def verify(self) -> float:
        """The fraction of the reused steps that are run all the same, to compare."""
        return float((self.root.plan or {}).get("verify") or 0)

    @property
    def kept(self) -> dict[str, int]:
        return (self.root.plan or {}).get("keep") or {}


@dataclass
class Prepared:
    """What a step will run as, and what was found out on the way."""

    task: Task
    outputs: dict[str, dict[str, Any]]
    notes: list[str] = field(default_factory=list)
    lock: tuple[str, ...] = ()


@dataclass
class Live:
    """One living job of a tree; `path` is its place below the root (`outer.inner`), empty for the root."""

    job: JobRecord
    tree: Tree
    path: str = ""
    parent: Live | None = None
    # a pipeline
    progress: Progress | None = None
    done: dict[str, dict[str, Any]] = field(default_factory=dict)  # node -> its outputs
    children: int = 0  # how many of its jobs live
    culprit: str | None = None  # the first of its jobs that failed
    looking: int = 0  # how many times workers look at known results for it
    # a step
    ready: Prepared | None = None  # ahead of its turn
    need: Capacity | None = None  # granted: to be given back
    task: Task | None = None
    folder: Path | None = None
    placed: dict[str, dict[str, Any]] = field(default_factory=dict)  # where its outputs are written
    layer: Path | None = None  # lent to it; goes back when its processes have ended
    watch_fd: int | None = None
    deadline: float | None = None  # monotonic seconds
    busy: bool = False  # a worker thread is at it
    events: EventFiles | None = None  # how far TensorBoard's files were read
    look_at: float = 0.0  # for more of them, monotonic seconds

    @property
    def never_started(self) -> int:
        """Attempts that a crash of the server took before they began: they are no retries."""
        return int((self.job.facts or {}).get("never_started") or 0)

    @property
    def timed_out(self) -> bool:
        """Its time limit ended this attempt. Written down before the process is told, as the server may be gone when
        that has ended."""
        return (self.job.facts or {}).get("timed_out") == self.job.attempt

    @property
    def plan(self) -> dict[str, Any]:
        return self.job.plan or {}
