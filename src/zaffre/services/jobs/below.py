"""The steps of a job by their paths, and the jobs that really ran them."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from zaffre.store import jobs as store
from zaffre.store.jobs import JobRecord


def paths(jobs: list[JobRecord], root: int) -> dict[str, JobRecord]:
    """`outer.inner` -> job, of the job `root` (whose path is "") and all below it; in `jobs` parents come first."""
    names: dict[int, str] = {}
    found: dict[str, JobRecord] = {}
    for job in jobs:
        if job.id == root:
            names[job.id] = ""
        elif job.parent_id in names:
            above = names[job.parent_id]
            names[job.id] = f"{above}.{job.node}" if above else str(job.node)
        else:
            continue
        found[names[job.id]] = job
    return found


def tree_of(connection: Connection, job: JobRecord) -> dict[str, JobRecord]:
    """A job and all below it, by path."""
    return paths(store.tree(connection, job.root_id), job.id)


def sources(connection: Connection, jobs: Mapping[str, JobRecord]) -> dict[str, JobRecord]:
    """Of reused steps the job that really ran; the others as they are."""
    ran = store.by_ids(connection, {job.reused_from for job in jobs.values() if job.reused_from})
    return {path: ran.get(job.reused_from or 0, job) for path, job in jobs.items()}
