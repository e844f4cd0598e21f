"""Keep the storage sound and small: find damage, remove what nothing refers to."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zaffre.core.job_state import TERMINAL
from zaffre.services.context import Context
from zaffre.services.places import CONTENT
from zaffre.store import references
from zaffre.wire.server import Ask, Collect, Collected, Damage, Scrubbed

DAY_S = 86_400.0
KEEP_FOLDERS_S = 7 * DAY_S  # of failed jobs, for a look


def scrub(ctx: Context, _request: Ask) -> Scrubbed:
    """Read every stored byte. Damage is named with what uses it."""
    damaged = [
        Damage(hash=item.name, problem=item.problem, used_by=_users(ctx, item.name)) for item in ctx.content.scrub()
    ]
    objects, size = ctx.content.size()
    return Scrubbed(objects=objects, bytes=size, damaged=damaged)


def collect(ctx: Context, request: Collect) -> Collected:
    """Content that no job and no asset refers to, environments unused for so long, folders of jobs that ended."""
    roots = {found["root"] for found in map(CONTENT.match, _uris(ctx)) if found} | _code(ctx)
    report = ctx.content.gc(roots, dry_run=request.dry_run)
    environments = ctx.environments.prune(request.unused_days * DAY_S, request.dry_run)
    folders = list(_old_folders(ctx))
    if not request.dry_run:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
    return Collected(
        dry_run=request.dry_run,
        objects=report.objects,
        bytes=report.bytes,
        job_folders=len(folders),
        environments=[{"key": key, "bytes": size} for key, size in environments],
    )


def _uris(ctx: Context) -> Iterator[str]:
    with ctx.db.read() as connection:
        yield from references.content_uris(connection)


def _code(ctx: Context) -> set[str]:
    with ctx.db.read() as connection:
        return references.code_roots(connection)


def _users(ctx: Context, hash_: str) -> list[str]:
    with ctx.db.read() as connection:
        return references.users_of(connection, hash_)


def _old_folders(ctx: Context) -> Iterator[Path]:
    with ctx.db.read() as connection:
        states: dict[tuple[str, str], Any] = references.states(connection)
    for folder in sorted((ctx.home.root / "jobs").glob("*/*")):
        status, ended = states.get((folder.parent.name, folder.name), (None, 0))
        if status is None or (status in TERMINAL and time.time() - (ended or 0) / 1000 > KEEP_FOLDERS_S):
            yield folder
