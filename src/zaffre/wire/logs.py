"""Logs on the wire, beside reading them: how long one is, and where in it something stands."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from zaffre.core.permissions import Permission
from zaffre.wire.jobs import JobRef
from zaffre.wire.operation import Operation, View


class LogSize(View):
    """Bytes the job ever wrote; `job` is the one that really ran."""

    bytes: int
    job: str


class SearchLog(JobRef):
    """Lines with `text` in them, whatever the case of letters."""

    text: str = Field(min_length=1, max_length=200)
    max_results: int = Field(default=500, ge=1, le=5000)


class LogHit(View):
    line: int  # 1-based
    offset: int  # of the line's first byte
    text: str  # at most 500 characters


class LogHits(View):
    hits: list[LogHit]
    complete: bool  # False: there are more, or the log was too long to read to its end


_LOG = "/workspaces/{workspace}/jobs/{name}/log"
SIZE = Operation("jobs.log_size", "GET", _LOG + "/size", JobRef, LogSize, Permission.JOBS_READ, "How long is the log?")
SEARCH = Operation("jobs.log_search", "GET", _LOG + "/search", SearchLog, LogHits, Permission.JOBS_READ,
                   "Find lines of the log")  # fmt: skip
OPERATIONS: tuple[Operation[Any, Any], ...] = (SIZE, SEARCH)
