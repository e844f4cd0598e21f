"""Data assets on the wire."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from zaffre.core.permissions import Permission
from zaffre.wire.assets import AssetRef, ListFiles, Operations, ReadAssetFile
from zaffre.wire.files import FileList
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
    columns_added: list[str] = Field(default_factory=list)
    columns_removed: list[str] = Field(default_factory=list)
    columns_retyped: list[str] = Field(default_factory=list)  # `age: int64 -> double`


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


class ProfileData(AssetRef):
    """A tabular file (csv, tsv, jsonl, parquet) of a version; of a version that is one file `path` may be left out."""

    path: str = ""
    preview_rows: int = Field(default=200, ge=0, le=2000)


class Bin(View):
    low: float
    high: float
    count: int


class TopValue(View):
    value: str
    count: int


class ColumnProfile(View):
    """What the values of a column are like. Numbers have a mean and a histogram, others their most frequent values."""

    name: str
    type: str
    nulls: int
    distinct: int
    min: Any = None
    max: Any = None
    mean: float | None = None
    histogram: list[Bin] = Field(default_factory=list)
    top: list[TopValue] = Field(default_factory=list)


class TableProfile(View):
    """`profiled` rows were read for it; `rows` is how many there are, none where that is not known without reading."""

    path: str
    rows: int | None = None
    profiled: int
    columns: list[ColumnProfile]
    preview: list[list[Any]]  # the first rows, a value for each column, as text where JSON has no such type


_ONE = "/workspaces/{workspace}/data/{name}"
DIFF = Operation("data.diff", "GET", _ONE + "/diff", DiffData, DataDiff, Permission.ASSETS_READ,
                 "Compare two versions: files, sizes, rows, columns")  # fmt: skip
CHECK = Operation("data.check", "GET", _ONE + "/check", CheckData, SourceCheck, Permission.ASSETS_READ,
                  "Has the source changed behind this version?")  # fmt: skip
DOWNLOAD = Operation("data.download", "GET", _ONE + "/download", AssetRef, View, Permission.ASSETS_READ,
                     "Download as a tar stream", Body.STREAM_DOWN)  # fmt: skip
FILES = Operation("data.files", "GET", _ONE + "/files", ListFiles, FileList, Permission.ASSETS_READ,
                  "List a folder of a version")  # fmt: skip
FILE = Operation("data.file", "GET", _ONE + "/file", ReadAssetFile, View, Permission.ASSETS_READ,
                 "Read a file of a version", Body.STREAM_DOWN)  # fmt: skip
PROFILE = Operation("data.profile", "GET", _ONE + "/profile", ProfileData, TableProfile, Permission.ASSETS_READ,
                    "Profile a table: columns, nulls, distribution, first rows")  # fmt: skip
OPERATIONS: tuple[Operation[Any, Any], ...] = (*DATA.all(), DIFF, CHECK, DOWNLOAD, FILES, FILE, PROFILE)
