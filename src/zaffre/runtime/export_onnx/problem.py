"""Why a model cannot be converted, in words; `part` names the step or estimator that is the cause."""

from __future__ import annotations


class Problem(Exception):
    def __init__(self, message: str, part: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.part, self.hint = part, hint
