"""What one turn of the engine wants written: collected, then committed as one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from zaffre.base.clock import now_ms
from zaffre.core.job_state import Status
from zaffre.engine.live import Live
from zaffre.services.context import Context
from zaffre.store import assets
from zaffre.store import jobs as store
from zaffre.store.jobs import JobRecord, Transition


@dataclass
class Batch:
    """Jobs that are new, jobs that moved, what else belongs in the same transaction, and what to do after it."""

    new: list[JobRecord] = field(default_factory=list)
    moves: list[Transition] = field(default_factory=list)
    edges: dict[str, list[assets.Edge]] = field(default_factory=dict)
    writes: list[Callable[[Connection], None]] = field(default_factory=list)
    after: list[Callable[[], None]] = field(default_factory=list)
    roots: set[int] = field(default_factory=set)

    def create(self, job: JobRecord) -> None:
        self.new.append(job)
        self.roots.add(job.root_id)

    def move(self, live: Live, status: Status, reason: str | None = None, **changes: Any) -> None:
        """The job goes on to `status`. Its record shows that at once; the database after the commit."""
        job = live.job
        self.moves.append(Transition(job, job.status, status, reason, changes, now_ms()))
        job.status, job.reason = status, reason
        for key, value in changes.items():
            setattr(job, key, value)
        self.roots.add(job.root_id)

    def edge(self, workspace: str, edge: assets.Edge) -> None:
        self.edges.setdefault(workspace, []).append(edge)

    @property
    def empty(self) -> bool:
        return not (self.new or self.moves or self.writes or self.after)

    def commit(self, ctx: Context) -> None:
        """Write it, tell those who watch, then do what had to wait for it."""
        if self.new or self.moves or self.writes or self.edges:
            with ctx.db.write() as connection:
                store.insert(connection, self.new)
                store.record(connection, self.moves, frozenset(job.id for job in self.new))
                for workspace, edges in self.edges.items():
                    assets.add_edges(connection, workspace, edges)
                for write in self.writes:
                    write(connection)
        for root in self.roots:
            ctx.changes.notify(root)
        for call in self.after:
            call()
