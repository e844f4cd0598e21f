"""The data assets of a workspace."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from zaffre.sdk.assets import Assets
from zaffre.sdk.unpack import unpack
from zaffre.wire import data as wire
from zaffre.wire.assets import AssetView, CreateAsset, Operations

if TYPE_CHECKING:
    from zaffre.sdk.documents import Submittable


class DataAssets(Assets):
    """`ws.data`.

    >>> ws.data.create_or_update(load_data("data.yml"))         # doctest: +SKIP
    >>> ws.data.get("titanic", label="latest").path             # doctest: +SKIP
    """

    kind: ClassVar[str] = "data"
    operations: ClassVar[Operations] = wire.DATA

    def create_or_update(self, asset: Submittable, *, by_reference: bool = False, **changes: Any) -> AssetView:
        """Create a version; without one in the document the next number is taken.

        Local files are taken over, unless `by_reference`: then they stay where they are on the machine of the server,
        only their fingerprint is kept, and `check` tells when they changed.
        """
        closed = self._scope.closer.close(asset, changes, default_kind=self.kind, keep_paths=by_reference)
        request = CreateAsset(**self._scope.about(spec=closed.spec))
        return self._view(self._transport.call(self.operations.create, request))

    def diff(self, name: str, base: str, other: str) -> wire.DataDiff:
        """Which files were added, removed, changed or renamed from version `base` to `other`; rows where tabular."""
        return self._transport.call(wire.DIFF, wire.DiffData(**self._scope.about(name=name, base=base, other=other)))

    def check(self, name: str, version: str | None = None, label: str | None = None) -> wire.SourceCheck:
        """Has the source changed since the version was made?"""
        request = wire.CheckData(**self._scope.about(name=name, version=version, label=label))
        return self._transport.call(wire.CHECK, request)

    def download(
        self, name: str, download_path: str | Path = ".", *, version: str | None = None, label: str | None = None
    ) -> list[Path]:
        """Write the files of a version below `download_path`, in a folder of the name."""
        chunks = self._transport.stream_down(wire.DOWNLOAD, self._ref(name, version, label))
        return unpack(chunks, Path(download_path))
