"""The packages that jobs really had."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from zaffre.store import texts
from zaffre.store.jobs import JobRecord


def packages(connection: Connection, jobs: Iterable[JobRecord]) -> list[dict[str, str]]:
    """Package -> version, for each job; empty where that is not known."""
    locks: dict[str, dict[str, str]] = {}
    found = []
    for job in jobs:
        hash_ = (job.facts or {}).get("environment_lock")
        if hash_ and hash_ not in locks:
            lines = (texts.get(connection, hash_) or "").splitlines()
            locks[hash_] = dict(line.split("==", 1) for line in lines if "==" in line)
        found.append(dict(locks.get(hash_ or "", {})))
    return found
