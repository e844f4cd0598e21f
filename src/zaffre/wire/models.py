"""Models on the wire."""

from __future__ import annotations

from typing import Any

from zaffre.core.permissions import Permission
from zaffre.wire.assets import AssetRef, Operations
from zaffre.wire.operation import Body, Operation, View

MODEL = Operations("model")
DOWNLOAD = Operation("model.download", "GET", "/workspaces/{workspace}/models/{name}/download", AssetRef, View,
                     Permission.ASSETS_READ, "Download as a tar stream", Body.STREAM_DOWN)  # fmt: skip
OPERATIONS: tuple[Operation[Any, Any], ...] = (*MODEL.all(), DOWNLOAD)
