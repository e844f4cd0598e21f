"""What happens to a job and to those below it, as it happens."""

from __future__ import annotations

from zaffre.base.clock import iso
from zaffre.core.job_state import TERMINAL
from zaffre.services.context import Context, Feed
from zaffre.store import job_events
from zaffre.store import jobs as store
from zaffre.wire.jobs import JobEvent, WatchJob


def watch(ctx: Context, request: WatchJob) -> Feed[JobEvent]:
    """Raises `NotFound`. The feed ends when the job has."""
    with ctx.db.read() as connection:
        job = store.get(connection, request.workspace, request.name)
    after = request.after
    names: dict[int, tuple[str, str | None]] = {job.id: (job.name, None)}
    outside: set[int] = set()

    def step() -> tuple[list[JobEvent], bool]:
        nonlocal after
        with ctx.db.read() as connection:
            status = store.status_of(connection, job.id)  # first: what is committed after it is seen in the next step
            events = job_events.events_after(connection, None if request.below else [job.id], job.root_id, after)
            unknown = {event.job_id for event in events} - names.keys() - outside
            for id_, name, node, parent in job_events.places_of(connection, unknown):
                if parent in names:
                    above = names[parent][1]
                    names[id_] = (name, f"{above}.{node}" if above else node)
                else:
                    outside.add(id_)
            ends = job_events.ends_of(connection, {event.job_id for event in events})
        shown = []
        for event in events:
            after = event.id
            if event.job_id in names:
                name, node = names[event.job_id]
                type_, reused_from, saved_s = ends[event.job_id]
                shown.append(
                    JobEvent(
                        id=event.id,
                        job=name,
                        node=node,
                        type=type_,
                        status=event.status.value,
                        reason=event.reason,
                        reused_from=reused_from,
                        saved_s=saved_s,
                        at=iso(event.at) or "",
                    )
                )
        return shown, status in TERMINAL and not events

    return Feed(job.root_id if request.below else -job.id, step)
