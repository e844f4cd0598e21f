"""Keep the storage sound and small: find damage, remove what nothing refers to."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from zaffre.core.job_state import TERMINAL
from zaffre.ports import content
from zaffre.services.context import Context, Feed
from zaffre.store import job_living, references
from zaffre.wire.server import Collect, Collected, Damage, Scrub, Scrubbed

HOUR_S, DAY_S = 3600.0, 86_400.0
KEEP_FOLDERS_S = 7 * DAY_S  # of failed jobs, for a look
SCRUB_STEP_S = 0.3  # of reading, between two words of how far it has come
NO_TOPIC = 0  # nobody commits anything that it waits for
LEAST_GRACE_S = 60.0  # between the arrival of content and the document that names it


def scrub(ctx: Context, request: Scrub) -> Feed[Scrubbed]:
    """Read every stored byte; the feed tells how far it has come. Damage is named with what uses it."""
    number, read = request.after, 0
    objects, size = ctx.content.size()
    steps = ctx.content.scrub_steps(request.after)

    def step() -> tuple[list[Scrubbed], bool]:
        nonlocal number, read
        found: list[content.Damage] = []
        over, until = True, time.monotonic() + SCRUB_STEP_S
        for checked in steps:
            number, read = number + 1, read + checked.bytes
            found += checked.damages
            if time.monotonic() >= until:
                over = False
                break
        damaged = _with_users(ctx, found)
        return [
            Scrubbed(
                id=number,
                over=over,
                objects=min(number, objects),
                of_objects=objects,
                bytes=read,
                of_bytes=size,
                damaged=damaged,
            )
        ], over

    return Feed(NO_TOPIC, step)


def _with_users(ctx: Context, found: list[content.Damage]) -> list[Damage]:
    trees = ctx.content.trees_with({item.name for item in found}) if found else {}
    damaged = []
    for item in found:
        with ctx.db.read() as connection:
            users = references.users_of(connection, trees[item.name] | {item.name})
        damaged.append(Damage(hash=item.name, problem=item.problem, used_by=users))
    return damaged


def collect(ctx: Context, request: Collect) -> Collected:
    """Content that no job and no asset refers to, environments and fetched copies unused for so long, folders of jobs
    that ended."""
    with ctx.db.read() as connection:
        roots = references.roots(connection)
    grace_s = max(request.keep_hours * HOUR_S, LEAST_GRACE_S)
    report = ctx.content.gc(roots, dry_run=request.dry_run, grace_s=grace_s)
    environments = ctx.environments.prune(request.unused_days * DAY_S, request.dry_run)
    copies = ctx.remote.forget_unused(ctx.home.cache, _unused_before(ctx, request), dry_run=request.dry_run)
    folders = list(_old_folders(ctx))
    if not request.dry_run:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
    return Collected(
        dry_run=request.dry_run,
        objects=report.objects,
        bytes=report.bytes + report.leftover_bytes,
        copies_bytes=copies,
        job_folders=len(folders),
        environments=[{"key": key, "bytes": size} for key, size in environments],
    )


def _unused_before(ctx: Context, request: Collect) -> float:
    """What a living job may have been given stays, whatever was asked for."""
    with ctx.db.read() as connection:
        oldest = job_living.oldest_living(connection)
    before = time.time() - request.unused_days * DAY_S
    return min(before, oldest / 1000) if oldest else before


def _old_folders(ctx: Context) -> Iterator[Path]:
    folders = sorted((ctx.home.root / "jobs").glob("*/*"))  # before the look at the database: no new job is missed
    with ctx.db.read() as connection:
        states = references.states(connection)
    for folder in folders:
        status, ended = states.get((folder.parent.name, folder.name), (None, 0))
        if status is None or (status in TERMINAL and time.time() - (ended or 0) / 1000 > KEEP_FOLDERS_S):
            yield folder
