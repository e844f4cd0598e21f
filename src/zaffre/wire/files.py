"""Files of jobs on the wire: what a job wrote, its named outputs, its code. Lists come in pages, bytes with ranges."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from zaffre.core.permissions import Permission
from zaffre.wire.jobs import JobRef
from zaffre.wire.operation import Body, Operation, View

Area = Literal["artifacts", "output", "code"]


class JobFiles(JobRef):
    """A folder of a job: of what it wrote by itself (`artifacts`), of one of its outputs, or of its code."""

    area: Area = "artifacts"
    output_name: str | None = None  # which output, where the area is `output`
    path: str = ""  # below the area; "" is its top
    max_results: int = Field(default=1000, ge=1, le=10_000)
    cursor: str | None = None


class FileItem(View):
    name: str
    is_folder: bool
    size: int | None = None  # bytes; None for a folder


class FileList(View):
    """Folders first, then files, by name."""

    items: list[FileItem]
    total: int
    cursor: str | None = None


class ReadFile(JobRef):
    """`render` shows HTML as a page, closed off from everything; else what a browser would run is plain bytes."""

    area: Area = "artifacts"
    output_name: str | None = None
    path: str
    render: bool = False


class PreviewTable(JobRef):
    """The first rows of a tabular file (parquet, csv, tsv, jsonl)."""

    area: Area = "artifacts"
    output_name: str | None = None
    path: str
    max_rows: int = Field(default=500, ge=1, le=5000)


class TableColumn(View):
    name: str
    type: str


class TablePreview(View):
    """`rows` is how many there are, none where that is not known without reading all."""

    rows: int | None = None
    columns: list[TableColumn]
    preview: list[list[Any]]  # a value for each column, as text where JSON has no such type


_JOB = "/workspaces/{workspace}/jobs/{name}"
LIST = Operation("jobs.files", "GET", _JOB + "/files", JobFiles, FileList, Permission.JOBS_READ,
                 "List a folder of outputs, artifacts or code")  # fmt: skip
READ = Operation("jobs.file", "GET", _JOB + "/file", ReadFile, View, Permission.JOBS_READ,
                 "Read a file of outputs, artifacts or code", Body.STREAM_DOWN)  # fmt: skip
TABLE = Operation("jobs.table", "GET", _JOB + "/table", PreviewTable, TablePreview, Permission.JOBS_READ,
                  "Show the first rows of a table among outputs, artifacts or code")  # fmt: skip
OPERATIONS: tuple[Operation[Any, Any], ...] = (LIST, READ, TABLE)
