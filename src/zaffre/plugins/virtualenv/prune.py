"""Removal of environments that nobody used for long."""

from __future__ import annotations

import contextlib
import secrets
import time

from zaffre.plugins.virtualenv import tree
from zaffre.plugins.virtualenv.layer import in_use
from zaffre.plugins.virtualenv.places import Places
from zaffre.plugins.virtualenv.shared_build import locked


def prune_environments(places: Places, unused_for_s: float, dry_run: bool) -> list[tuple[str, int]]:
    """(key, bytes) of each environment removed, or that would be. One in use or under construction stays."""
    removed = []
    for key in places.keys():
        with locked(places, key) as lock:
            if not lock.take() or not unused(places, key, unused_for_s):
                continue
            size = tree.size(places.environment(key))
            if dry_run or remove(places, key, unused_for_s):
                removed.append((key, size))
    if not dry_run:
        sweep(places)
    return removed


def unused(places: Places, key: str, seconds: float) -> bool:
    try:
        last = places.used(key).stat().st_mtime
    except FileNotFoundError:
        last = places.environment(key).stat().st_mtime
    return time.time() - last >= seconds and not in_use(places, key)


def remove(places: Places, key: str, seconds: float) -> bool:
    """Take it away in one step; put it back if a job has begun to use it in that moment."""
    trash = places.trash(secrets.token_hex(8))
    places.environment(key).rename(trash)
    if not unused(places, key, seconds) if places.used(key).exists() else in_use(places, key):
        trash.rename(places.environment(key))
        return False
    tree.remove(trash)
    for path in (places.used(key),):
        path.unlink(missing_ok=True)
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
