"""What the build of an environment printed. It lies where its key says; no row tells of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from zaffre.base.clock import iso
from zaffre.base.errors import NotFound
from zaffre.core.environment import catalogue
from zaffre.services.assets.show import find
from zaffre.services.context import Context
from zaffre.services.resolve.environment import environment_of
from zaffre.services.resolve.scope import Scope
from zaffre.wire.assets import AssetRef, BuildLogView, ReadBuildLog

CHUNK = 1 << 20


@dataclass(frozen=True)
class Look:
    """The state of a build, a piece of its log, and which file it is of: another one is of another build."""

    state: str
    error: dict[str, Any] | None
    data: bytes = b""
    ended_at: str | None = None
    file: int = 0


def read_log(ctx: Context, request: ReadBuildLog) -> BuildLogView:
    """Raises `NotFound`, and `InvalidRequest` for an environment that cannot be built here."""
    version, key = key_of(ctx, request)
    found = look(ctx, key, request.offset)
    return BuildLogView(
        name=request.name,
        version=version,
        state=found.state,
        key=key,
        text=found.data.decode("utf-8", "replace"),
        offset=request.offset,
        next_offset=request.offset + len(found.data),
        error=found.error,
        ended_at=found.ended_at,
    )


def key_of(ctx: Context, request: AssetRef) -> tuple[str, str]:
    """The version, and the key of what would be built of it now. Raises as `read_log`."""
    with ctx.db.read() as connection:
        version = _version(connection, request)
        scope = Scope(ctx, connection, request.workspace)
        key, _ = environment_of(scope, f"azureml:{request.name}:{version}", request.name)
    return version, key


def look(ctx: Context, key: str, offset: int) -> Look:
    """Whole lines from `offset` on, at most `CHUNK` bytes; none if the log went away in this moment."""
    found = ctx.environments.build_log(key)
    error = dict(found.error) if found.error else None
    if found.path is None:
        return Look(found.state, error)
    try:
        with found.path.open("rb") as file:
            about = os.fstat(file.fileno())
            file.seek(min(offset, about.st_size))
            data = file.read(CHUNK)
    except FileNotFoundError:
        return Look(found.state, error)
    data = data[: data.rfind(b"\n") + 1] or data
    ended = None if found.state == "building" else iso(about.st_mtime_ns // 1_000_000)
    return Look(found.state, error, data, ended, about.st_ino)


def _version(connection: Connection, request: AssetRef) -> str:
    """One of the workspace comes before a curated one of the same name."""
    try:
        return find(connection, "environment", request).version
    except NotFound as missing:
        curated = catalogue.find(request.name)
        if curated is None:
            raise missing from None
        return curated[0].version or "1"
