"""Keep what a step has made: artifacts, outputs with their manifests, uploads to remote datastores."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zaffre.base.errors import ZaffreError
from zaffre.engine.live import Live
from zaffre.engine.prepare import place_of
from zaffre.services import places
from zaffre.services.context import Context


def is_quick(live: Live) -> bool:
    """Without declared outputs there is nothing to hash."""
    return not live.plan.get("outputs")


def finish(ctx: Context, live: Live) -> dict[str, dict[str, Any]]:
    """The outputs: port -> {type, uri, identity, files, bytes}. Raises `ZaffreError` naming the output."""
    folder = ctx.home.job(live.job.workspace, live.job.name) / str(live.job.attempt)
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
        if place.is_dir() and not place.is_symlink():
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
        place = places.locate(ctx, live.job.workspace, output["uri"])
        if place.local is None:
            ctx.remote.upload(local, place)
    return kept
