"""Data assets on the wire."""

from __future__ import annotations

from typing import Any

from zaffre.core.permissions import Permission
from zaffre.wire.assets import AssetRef, Operations
from zaffre.wire.operation import Body, Operation, View, WorkspaceRequest

DATA = Operations("data")


class DiffData(WorkspaceRequest):
    name: str
    base: str
    other: str


class FileChange(View):
    path: str
    change: str  # added, removed, changed, renamed
    size: int | None = None
    former_path: str | None = None
    former_size: int | None = None
    rows: int | None = None  # where the file is a table
    former_rows: int | None = None
    columns_added: list[str] = []
    columns_removed: list[str] = []
    columns_retyped: list[str] = []  # `age: int64 -> double`


class DataDiff(View):
    name: str
    base: str
    other: str
    files: list[FileChange]
    bytes_added: int
    bytes_removed: int


class CheckData(AssetRef):
    """Compare the source with what it was when the version was made."""


class SourceCheck(View):
    name: str
    version: str
    changed: bool
    detail: str


_ONE = "/workspaces/{workspace}/data/{name}"
DIFF = Operation("data.diff", "GET", _ONE + "/diff", DiffData, DataDiff, Permission.ASSETS_READ,
                 "Compare two versions: files, sizes, rows, columns")  # fmt: skip
CHECK = Operation("data.check", "GET", _ONE + "/check", CheckData, SourceCheck, Permission.ASSETS_READ,
                  "Has the source changed behind this version?")  # fmt: skip
DOWNLOAD = Operation("data.download", "GET", _ONE + "/download", AssetRef, View, Permission.ASSETS_READ,
                     "Download as a tar stream", Body.STREAM_DOWN)  # fmt: skip
OPERATIONS: tuple[Operation[Any, Any], ...] = (*DATA.all(), DIFF, CHECK, DOWNLOAD)
