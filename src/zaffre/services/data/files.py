"""Files of a version of data, listed and read one by one."""

from __future__ import annotations

from pathlib import Path

from zaffre.base.confine import Item, list_folder, open_file, parts_of
from zaffre.services import places
from zaffre.services.assets.show import find
from zaffre.services.context import Context
from zaffre.services.jobs.files import OpenFile, page
from zaffre.wire.assets import AssetRef
from zaffre.wire.data import DataFiles, ReadDataFile
from zaffre.wire.files import FileList


def list_files(ctx: Context, request: DataFiles) -> FileList:
    """Raises `NotFound`. A version that is one file is a folder of one."""
    place = place_of(ctx, request)
    parts = parts_of(request.path)
    found = [Item(place.name, False, place.stat().st_size)] if place.is_file() else list_folder(place, parts)
    return page(found, request.cursor, request.max_results)


def read_file(ctx: Context, request: ReadDataFile) -> OpenFile:
    """Raises `NotFound`."""
    place = place_of(ctx, request)
    parts = parts_of(request.path)
    root, inner = (place.parent, (place.name,)) if place.is_file() else (place, parts)
    file, size = open_file(root, inner)
    return OpenFile(inner[-1] if inner else place.name, size, file, request.render)


def place_of(ctx: Context, request: AssetRef) -> Path:
    """Where a version lies on this machine; a remote one is fetched."""
    with ctx.db.read() as connection:
        record = find(connection, "data", AssetRef(**request.model_dump(include=set(AssetRef.model_fields))))
    return places.local_path(ctx, record.workspace, str(record.uri), [])
