"""What changed between two versions of a data asset: files, sizes, rows, columns. And: did the source change?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from zaffre.base.errors import Conflict
from zaffre.core.manifest import Entry, Manifest
from zaffre.services import places
from zaffre.services.assets.show import find
from zaffre.services.context import Context
from zaffre.services.data import source
from zaffre.store import assets
from zaffre.wire.data import CheckData, DataDiff, DiffData, SourceCheck


def diff(ctx: Context, request: DiffData) -> DataDiff:
    """Of a version whose source has changed since, names and sizes are known still, rows and columns are not.

    Raises `NotFound` for an unknown version, `Conflict` for a changed one of which nothing was kept.
    """
    from zaffre.plugins.content.diff import compare

    with ctx.db.read() as connection:
        records = [
            assets.get(connection, request.workspace, "data", request.name, version)
            for version in (request.base, request.other)
        ]
    before, after = (_files(ctx, record) for record in records)
    changes = compare(before.manifest, before.open, after.manifest, after.open)
    added = sum(item.size or 0 for item in changes if item.change in ("added", "changed"))
    removed = sum(item.former_size or 0 for item in changes if item.change in ("removed", "changed"))
    return DataDiff(
        name=request.name,
        base=request.base,
        other=request.other,
        bytes_added=added,
        bytes_removed=removed,
        files=changes,
    )


def check(ctx: Context, request: CheckData) -> SourceCheck:
    """Says which files changed, where the version remembers them."""
    with ctx.db.read() as connection:
        record = find(connection, "data", request)
    known = {"name": record.name, "version": record.version}
    if record.fingerprint is None:
        return SourceCheck(**known, changed=False, detail="not read yet: its first reader takes the fingerprint")
    found = source.changes(ctx, record.workspace, str(record.uri), record.fingerprint)
    return SourceCheck(**known, changed=bool(found), detail=source.in_words(found) or "unchanged")


@dataclass(frozen=True)
class _Files:
    """The files of a version, and how to open them: stored by hash, or lying in a folder (or being one file)."""

    ctx: Context
    manifest: Manifest
    at: Path | None
    stored: bool = False

    def open(self, entry: Entry) -> BinaryIO | None:
        """None where the bytes are not there any more."""
        if self.stored:
            return self.ctx.content.open(entry.hash)
        if self.at is None:
            return None
        return open(self.at / entry.path if self.at.is_dir() else self.at, "rb")


def _files(ctx: Context, record: assets.AssetRecord) -> _Files:
    uri = str(record.uri)
    if uri.startswith("content://"):
        manifest = places.listing(ctx, record.workspace, uri)
        assert manifest is not None
        return _Files(ctx, manifest, None, stored=True)
    changed = source.changes(ctx, record.workspace, uri, record.fingerprint) if record.fingerprint else []
    if not changed:
        path = places.local_path(ctx, record.workspace, uri, [])
        return _Files(ctx, ctx.content.scan(path, ignore_files=False), path)
    before = source.kept(ctx, str(record.fingerprint))
    if before is None:
        what = f"data {record.name}:{record.version} cannot be compared: {source.in_words(changed)}"
        raise Conflict(what, code="SourceChanged", hint=f"zaffre data check --name {record.name}")
    return _Files(ctx, before, None)
