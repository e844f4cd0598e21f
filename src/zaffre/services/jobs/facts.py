"""What a run can be repeated from: code, uncommitted changes, packages, machine, parameters, seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zaffre.services.context import Context
from zaffre.services.jobs.log import source_of
from zaffre.services.jobs.settings import settings
from zaffre.store import jobs as store
from zaffre.store import texts
from zaffre.wire.jobs import FactsView, JobRef


def facts(ctx: Context, request: JobRef) -> FactsView:
    """Raises `NotFound`."""
    with ctx.db.read() as connection:
        job = store.get(connection, request.workspace, request.name)
    job = source_of(ctx, job)
    known: Mapping[str, Any] = job.facts or {}
    with ctx.db.read() as connection:
        root = store.by_ids(connection, [job.root_id])[job.root_id]
        git = dict(known.get("git") or {})
        diff = texts.get(connection, git.pop("diff_hash", ""))
        lock = texts.get(connection, known.get("environment_lock") or "")
    asked = ((root.plan or {}).get("environments") or {}).get((job.plan or {}).get("environment") or "")
    return FactsView(
        job=job.name,
        code=known.get("code"),
        git=git or None,
        diff=diff,
        environment={key: value for key, value in (asked or {}).items() if value and key != "variables"} or None,
        environment_lock=lock,
        machine=known.get("machine"),
        notes=known.get("notes") or [],
        **settings(job),
    )
