"""A job's artifacts and outputs as one tar stream, made while it is sent."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from zaffre.base.confine import open_file
from zaffre.base.errors import NotFound
from zaffre.plugins.logs import read as reader
from zaffre.services import places
from zaffre.services.context import Context
from zaffre.services.jobs.log import source_of
from zaffre.services.tar import Member, stream
from zaffre.store import jobs as store
from zaffre.store.jobs import JobRecord
from zaffre.wire.jobs import Download


def download(ctx: Context, request: Download) -> Iterator[bytes]:
    """`artifacts/...` (default outputs, logs, MLflow artifacts) and `named-outputs/<output>/...`.

    Without `all` and without an output: the artifacts. Raises `NotFound` naming the outputs there are.
    """
    with ctx.db.read() as connection:
        job = store.get(connection, request.workspace, request.name)
    source = source_of(ctx, job)
    outputs = job.outputs or {}
    if request.output_name and request.output_name not in {*outputs, "artifacts", "default"}:
        raise NotFound(
            f"job {job.name} has no output {request.output_name} (it has: {', '.join(outputs) or 'none'})",
            code="OutputNotFound",
        )
    return stream(_members(ctx, source, outputs, request))


def _members(ctx: Context, job: JobRecord, outputs: dict[str, dict[str, str]], request: Download) -> Iterator[Member]:
    wanted = request.output_name
    if wanted in (None, "artifacts", "default"):
        yield from folder_members(
            ctx.home.artifacts(job.workspace, job.name), "artifacts", ctx.home.log(job.workspace, job.name)
        )
    for port, output in outputs.items():
        if port != "artifacts" and (wanted == port or (wanted is None and request.all)):
            path = places.local_path(ctx, job.workspace, output["uri"], []) if output.get("identity") else None
            if path is not None:
                yield from folder_members(path, f"named-outputs/{port}", None)


def folder_members(place: Path, name: str, log: Path | None) -> Iterator[Member]:
    """Every regular file below; links that lead elsewhere are not followed. A log may lie in several segments."""
    if place.is_file():
        yield _member(f"{name}/{place.name}", place.parent, place)
        return
    for path in sorted(place.rglob("*")):
        if path.is_symlink() or not stat.S_ISREG(path.lstat().st_mode):
            continue
        inner = f"{name}/{path.relative_to(place).as_posix()}"
        if log is not None and path == log:
            yield Member(inner, reader.size(log), reader.iterate(log))
        elif log is None or not (path.parent == log.parent and path.name.startswith(log.name + ".")):
            yield _member(inner, place, path)


def _member(name: str, root: Path, path: Path) -> Member:
    """A file that became a link since it was listed is not followed out of the folder."""
    file, size = open_file(root, path.relative_to(root).parts)
    return Member(name, size, _read(file))


def _read(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(1 << 20):
            yield chunk
