"""Removal of environments that nobody used for long."""

from __future__ import annotations

import contextlib
import secrets
import time
from pathlib import Path

from zaffre.plugins.virtualenv import tree
from zaffre.plugins.virtualenv.build_log import forget, forget_old
from zaffre.plugins.virtualenv.layer import in_use
from zaffre.plugins.virtualenv.places import Places
from zaffre.plugins.virtualenv.shared_build import locked


def prune_environments(places: Places, unused_for_s: float, dry_run: bool) -> list[tuple[str, int]]:
    """(key, bytes) of each environment removed, or that would be. One in use or under construction stays."""
    removed = []
    for key in places.finished():
        with locked(places, key) as lock:
            if not lock.take() or not unused(places, key, unused_for_s):
                continue
            size = tree.size(places.environment(key))
            if dry_run or remove(places, key, unused_for_s):
                removed.append((key, size))
    if not dry_run:
        sweep(places)
        forget_old(places, unused_for_s)
    return removed


def unused(places: Places, key: str, seconds: float) -> bool:
    return long_ago(places.used(key), seconds) and not in_use(places, key)


def long_ago(stamp: Path, seconds: float) -> bool:
    """Whether the last use is so long ago; without a stamp nobody ever asked for it."""
    try:
        return time.time() - stamp.stat().st_mtime >= seconds
    except FileNotFoundError:
        return True


def remove(places: Places, key: str, seconds: float) -> bool:
    """Take it away in one step; put it back if a job has begun to use it in that moment."""
    trash = places.trash(secrets.token_hex(8))
    places.environment(key).rename(trash)
    if in_use(places, key) or not long_ago(places.used(key), seconds):
        trash.rename(places.environment(key))
        return False
    tree.remove(trash)
    places.used(key).unlink(missing_ok=True)
    forget(places, key)
    with contextlib.suppress(OSError):
        places.uses(key).rmdir()
    return True


def sweep(places: Places) -> None:
    """Remains of builders and removers that were killed."""
    for trash in places.root.glob(".trash-*"):
        tree.remove(trash)
    for staging in places.root.glob(".staging-*-*"):
        with locked(places, staging.name.split("-")[1]) as lock:
            if lock.take():
                tree.remove(staging)
