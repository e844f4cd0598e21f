"""A data asset or a model as a tar stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from zaffre.services import places
from zaffre.services.assets.show import find
from zaffre.services.context import Context
from zaffre.services.jobs.download import folder_members
from zaffre.services.tar import stream
from zaffre.wire.assets import AssetRef


def downloader(kind: str) -> Callable[[Context, AssetRef], Iterator[bytes]]:
    """The archive holds `<name>/...`; a single file lies in that folder under its own name."""

    def download(ctx: Context, request: AssetRef) -> Iterator[bytes]:
        with ctx.db.read() as connection:
            record = find(connection, kind, request)
        path = places.local_path(ctx, record.workspace, str(record.uri), [])
        return stream(folder_members(path, record.name, None))

    return download
