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
from zaffre.store.assets import AssetRecord
from zaffre.store.jobs import JobRecord, Transition


@dataclass
class Batch:
    """Jobs that are new, jobs that moved, what else belongs in the same transaction, and what to do after it.

    Everything in it belongs to the tree of one root, so that a tree which cannot be written does not hold up others.
    """

    new: list[JobRecord] = field(default_factory=list)
    moves: list[Transition] = field(default_factory=list)
    edges: list[tuple[JobRecord, assets.Edge]] = field(default_factory=list)
    versions: list[AssetRecord] = field(default_factory=list)  # that are about to be written
    first: list[tuple[JobRecord, Callable[[Connection], None]]] = field(default_factory=list)  # before the jobs
    writes: list[tuple[JobRecord, Callable[[Connection], None]]] = field(default_factory=list)
    after: list[tuple[Live, Callable[[], None]]] = field(default_factory=list)

    def create(self, job: JobRecord) -> None:
        self.new.append(job)

    def move(self, live: Live, status: Status, reason: str | None = None, **changes: Any) -> None:
        """The job goes on to `status`. Its record shows that at once; the database after the commit."""
        job = live.job
        self.moves.append(Transition(job, job.status, status, reason, changes, now_ms()))
        job.status, job.reason = status, reason
        for key, value in changes.items():
            setattr(job, key, value)

    def note(self, live: Live, reason: str) -> None:
        """Progress within a status."""
        live.job.reason = reason
        self.moves.append(Transition(live.job, live.job.status, live.job.status, reason, {}, now_ms()))

    def time_out(self, live: Live) -> None:
        """Its time limit is reached: `Live.timed_out` from now on, in the database too."""
        job = live.job
        facts = {**(job.facts or {}), "timed_out": job.attempt}
        self.move(live, job.status, f"time limit of {live.plan['timeout_s']:g} s reached: stopping", facts=facts)

    def edge(self, job: JobRecord, edge: assets.Edge) -> None:
        self.edges.append((job, edge))

    @property
    def empty(self) -> bool:
        return not (self.new or self.moves or self.writes or self.after)

    @property
    def only_started(self) -> bool:
        """Whether all there is to write is that claimed steps have started."""
        others = self.new or self.first or self.writes or self.after
        return not others and all(move.status is Status.RUNNING for move in self.moves)

    @property
    def roots(self) -> set[int]:
        jobs = [*self.new, *(move.job for move in self.moves), *(job for job, _ in (*self.first, *self.writes))]
        return {job.root_id for job in jobs} | {live.job.root_id for live, _ in self.after}

    def of(self, root_id: int) -> Batch:
        """The part that belongs to one tree."""
        return Batch(
            new=[job for job in self.new if job.root_id == root_id],
            moves=[move for move in self.moves if move.job.root_id == root_id],
            edges=[item for item in self.edges if item[0].root_id == root_id],
            first=[item for item in self.first if item[0].root_id == root_id],
            writes=[item for item in self.writes if item[0].root_id == root_id],
            after=[item for item in self.after if item[0].job.root_id == root_id],
        )

    def without(self, root_id: int) -> Batch:
        """All but the part of one tree."""
        kept = Batch(versions=self.versions)
        for other in self.roots - {root_id}:
            part = self.of(other)
            for name in ("new", "moves", "edges", "first", "writes", "after"):
                getattr(kept, name).extend(getattr(part, name))
        return kept

    def commit(self, ctx: Context) -> None:
        """Write it, and tell those who watch. What has to wait for it (`after`) is the caller's to do."""
        if self.new or self.moves or self.first or self.writes:
            with ctx.db.write() as connection:
                for _, write in self.first:
                    write(connection)
                store.insert(connection, self.new)
                store.record(connection, self.moves, frozenset(job.id for job in self.new))
                of_workspace: dict[str, list[assets.Edge]] = {}
                for job, edge in self.edges:
                    of_workspace.setdefault(job.workspace, []).append(edge)
                for workspace, edges in of_workspace.items():
                    assets.add_edges(connection, workspace, edges)
                for _, write in self.writes:
                    write(connection)
        ctx.changes.notify(*self.roots, *{-move.job.id for move in self.moves})
