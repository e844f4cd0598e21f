"""The models of a workspace."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from zaffre.sdk.assets import Assets
from zaffre.sdk.unpack import unpack
from zaffre.wire import models as wire
from zaffre.wire.assets import Operations


class Models(Assets):
    """`ws.models`.

    >>> ws.models.create_or_update(load_model("model.yml"))     # doctest: +SKIP
    >>> ws.models.download("risk", "out", label="latest")       # doctest: +SKIP
    """

    kind: ClassVar[str] = "model"
    operations: ClassVar[Operations] = wire.MODEL

    def download(
        self, name: str, download_path: str | Path = ".", *, version: str | None = None, label: str | None = None
    ) -> list[Path]:
        """Write the files of a version below `download_path`, in a folder of the name."""
        chunks = self._transport.stream_down(wire.DOWNLOAD, self._ref(name, version, label))
        return unpack(chunks, Path(download_path))
