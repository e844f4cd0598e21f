"""What changed between two versions of a data asset: files, sizes, rows, columns. And: did the source change?"""

from __future__ import annotations

from pathlib import Path

from zaffre.base.errors import NotFound
from zaffre.core.manifest import Manifest
from zaffre.services import places
from zaffre.services.assets.show import find
from zaffre.services.context import Context
from zaffre.store import assets
from zaffre.wire.data import CheckData, DataDiff, DiffData, SourceCheck


def diff(ctx: Context, request: DiffData) -> DataDiff:
    """Raises `NotFound` for an unknown version, or one whose bytes are gone."""
    from zaffre.plugins.content.diff import compare  # noqa: PLC0415

    with ctx.db.read() as connection:
        records = [assets.get(connection, request.workspace, "data", request.name, version) for version in (request.base, request.other)]
    (before, before_at), (after, after_at) = (_manifest(ctx, record) for record in records)
    changes = compare(before, before_at, after, after_at)
    added = sum(item.size or 0 for item in changes if item.change in ("added", "changed"))
    removed = sum(item.former_size or 0 for item in changes if item.change in ("removed", "changed"))
    return DataDiff(name=request.name, base=request.base, other=request.other, bytes_added=added, bytes_removed=removed, files=changes)


def check(ctx: Context, request: CheckData) -> SourceCheck:
    with ctx.db.read() as connection:
        record = find(connection, "data", request)
    known = {"name": record.name, "version": record.version}
    if record.fingerprint is None:
        return SourceCheck(**known, changed=False, detail="not read yet: its first reader takes the fingerprint")
    try:
        now = places.identity(ctx, record.workspace, str(record.uri))
    except NotFound:
        return SourceCheck(**known, changed=True, detail=f"{record.uri} is gone")
    if now == record.fingerprint:
        return SourceCheck(**known, changed=False, detail="unchanged")
    return SourceCheck(**known, changed=True, detail=f"{record.uri} has other content than when it was registered")


def _manifest(ctx: Context, record: assets.AssetRecord) -> tuple[Manifest, Path]:
    path = places.local_path(ctx, record.workspace, str(record.uri), [])
    return ctx.content.scan(path, ignore_files=False), path
