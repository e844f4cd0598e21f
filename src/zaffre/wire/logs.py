"""Logs on the wire, beside reading them: how long one is, and where in it something stands."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from zaffre.core.permissions import Permission
from zaffre.wire.jobs import JobRef
from zaffre.wire.operation import NUMBER, Operation, View


class LogSize(View):
    """Bytes the job ever wrote; `job` is the one that really ran."""

    bytes: int
    job: str


class SearchLog(JobRef):
    """Lines with `text` in them, whatever the case of letters. With `regex` it is a regular expression in the syntax of
    RE2, which takes linear time: no look-around, no back-references. `(?-i)` before it heeds the case.
    """

    text: str = Field(min_length=1, max_length=200)
    regex: bool = False
    max_results: int = Field(default=500, ge=1, le=5000)


class LogHit(View):
    line: int  # 1-based
    offset: int  # of the line's first byte
    text: str  # at most 500 characters
    start: int  # of the first match in it, in characters; beyond the text where the line is longer
    end: int


class LogHits(View):
    hits: list[LogHit]
    complete: bool  # False: there are more, or the log was too long to read to its end


class LogOffset(JobRef):
    """A place in the log, in bytes from its beginning."""

    offset: int = Field(ge=0, le=NUMBER)


class LogLine(View):
    """The line (1-based) in which a byte stands. Lines of a part that was removed are not counted."""

    line: int


_LOG = "/workspaces/{workspace}/jobs/{name}/log"
SIZE = Operation("jobs.log_size", "GET", _LOG + "/size", JobRef, LogSize, Permission.JOBS_READ, "How long is the log?")
SEARCH = Operation("jobs.log_search", "GET", _LOG + "/search", SearchLog, LogHits, Permission.JOBS_READ,
                   "Find lines of the log")  # fmt: skip
LINE = Operation("jobs.log_line", "GET", _LOG + "/line", LogOffset, LogLine, Permission.JOBS_READ,
                 "Which line is at a byte of the log?")  # fmt: skip
OPERATIONS: tuple[Operation[Any, Any], ...] = (SIZE, SEARCH, LINE)
