"""Keep what a step has made: artifacts, outputs with their manifests, uploads to remote datastores."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zaffre.base.errors import ZaffreError
from zaffre.engine import events
from zaffre.engine.live import Live
from zaffre.engine.prepare import place_of
from zaffre.services import places
from zaffre.services.context import Context

SMALL_FILES, SMALL_BYTES = 16, 1 << 20  # of an output: hashing it takes less than handing it to another thread


def is_quick(ctx: Context, live: Live) -> bool:
    """Whether what was made is so little, and so near, that keeping it takes a millisecond."""
    folder = ctx.home.job(live.job.workspace, live.job.name) / str(live.job.attempt)
    outputs = ctx.home.artifacts(live.job.workspace, live.job.name) / "outputs"
    if not _is_small(folder / "work" / "logs") or not _is_small(outputs):
        return False
    return len(live.placed) == len(live.plan.get("outputs") or {}) and all(
        places.is_built_in(place["uri"]) and _is_small(place["local"]) for place in live.placed.values()
    )


def _is_small(place: Path) -> bool:
    """A file, or a folder of few small files and no folders; none of them TensorBoard's, which are to be read."""
    total = 0
    try:
        with os.scandir(place) as entries:
            for count, entry in enumerate(entries):
                if count >= SMALL_FILES or events.is_one(entry.name) or not entry.is_file(follow_symlinks=False):
                    return False
                total += entry.stat().st_size
    except FileNotFoundError:
        return True
    except NotADirectoryError:
        total = place.stat().st_size
    return total <= SMALL_BYTES


def finish(ctx: Context, live: Live, *, quick: bool) -> dict[str, dict[str, Any]]:
    """The outputs: port -> {type, uri, identity, files, bytes}. Raises `ZaffreError` naming the output.

    `quick` is what `is_quick` said.
    """
    folder = ctx.home.job(live.job.workspace, live.job.name) / str(live.job.attempt)
    if not quick:
        events.collect(ctx, live)
    _keep_artifacts(ctx, live, folder / "work")
    made = {}
    for port, item in (live.plan.get("outputs") or {}).items():
        made[port] = _keep(ctx, live, port, item, folder)
    return made


def _keep_artifacts(ctx: Context, live: Live, work: Path) -> None:
    """A command may have replaced our links `outputs` and `logs` by folders of its own: what is in them counts."""
    artifacts = ctx.home.artifacts(live.job.workspace, live.job.name)
    for name in ("outputs", "logs"):
        place = work / name
        if place.is_dir() and not place.is_symlink() and any(place.iterdir()):
            shutil.copytree(place, artifacts / name, dirs_exist_ok=True, symlinks=True)


def _keep(ctx: Context, live: Live, port: str, item: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    output = place_of(ctx, live, port, item, folder)
    local: Path = output.pop("local")
    kept = {"type": item["type"], "uri": output["uri"], "files": 0, "bytes": 0}
    if local.exists():
        try:
            manifest = ctx.content.scan(local, ignore_files=False)
        except ZaffreError as error:
            error.message = f"output {port}: {error.message}"
            raise
        kept |= {"identity": manifest.root, "files": len(manifest.entries), "bytes": manifest.size}
        if not places.is_built_in(output["uri"]):
            _upload(ctx, live, local, kept)
    return kept


def _upload(ctx: Context, live: Live, local: Path, kept: dict[str, Any]) -> None:
    """An output of a remote datastore was written on this machine: bring it there."""
    place = places.locate(ctx, live.job.workspace, kept["uri"])
    if place.local is None:
        del kept["identity"]
        if kept["files"]:
            ctx.remote.upload(local, place)
            kept["identity"] = ctx.remote.fingerprint(place)  # by which a later change of it is noticed
