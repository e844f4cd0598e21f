"""The end of a job before its time."""

from __future__ import annotations


class Stop(Exception):
    """The job is over: exit status and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
