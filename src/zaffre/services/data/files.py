"""Files of a version of data or of a model, listed and read one by one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from zaffre.base.confine import open_file, parts_of
from zaffre.services import places
from zaffre.services.assets.show import find
from zaffre.services.context import Context
from zaffre.services.jobs.files import OpenFile, list_place
from zaffre.wire.assets import AssetRef, ListFiles, ReadAssetFile
from zaffre.wire.files import FileList


def lister(kind: str) -> Callable[[Context, ListFiles], FileList]:
    """The service raises `NotFound`. A version that is one file is a folder of one."""

    def list_files(ctx: Context, request: ListFiles) -> FileList:
        place = place_of(ctx, kind, request)
        return list_place(place, parts_of(request.path), request.cursor, request.max_results)

    return list_files


def reader(kind: str) -> Callable[[Context, ReadAssetFile], OpenFile]:
    """The service raises `NotFound`."""

    def read_file(ctx: Context, request: ReadAssetFile) -> OpenFile:
        place = place_of(ctx, kind, request)
        parts = parts_of(request.path)
        root, inner = (place.parent, (place.name,)) if place.is_file() else (place, parts)
        file, size = open_file(root, inner)
        return OpenFile(inner[-1] if inner else place.name, size, file, request.render)

    return read_file


def place_of(ctx: Context, kind: str, request: AssetRef) -> Path:
    """Where a version lies on this machine; a remote one is fetched."""
    with ctx.db.read() as connection:
        record = find(connection, kind, AssetRef(**request.model_dump(include=set(AssetRef.model_fields))))
    return places.local_path(ctx, record.workspace, str(record.uri), [])
