"""What a client asks about the server itself."""

from __future__ import annotations

from typing import Any

from zaffre.core.permissions import Permission
from zaffre.mlflow.endpoint import Call, Endpoint

# The release of MLflow whose REST API this door speaks. To servers from 3.4 on clients send spans one by one.
API_VERSION = "3.17.2"


def info(_call: Call) -> dict[str, Any]:
    return {
        "store_type": "SqlStore",
        "workspaces_enabled": False,  # a workspace is part of the tracking URI here
        "trace_archival_enabled": False,
        # Whoever asks for it may upload in parts. Clients repeat a plain upload that was cut, but not a part of one.
        "multipart_uploads_enabled": False,
        "multipart_downloads_enabled": True,  # and here only the ranges that were cut
    }


ENDPOINTS = (
    Endpoint("GET", "server-info", Permission.TRACKING_READ, info),
    Endpoint("GET", "server-features", Permission.TRACKING_READ, info),
)
