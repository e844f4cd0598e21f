"""Every error a user can meet: one root, few kinds, a stable code, and a hint that names the next command.

A kind decides the HTTP status and the exit code of the command line; the code says what happened. Errors import
nothing of ours, so that any floor may raise them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Fault:
    """One thing wrong in a file or a request: where it is (1-based line and column), which key, and what to do."""

    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    field: str | None = None
    hint: str | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        text = f"{place}: {self.message}" if place else self.message
        return f"{text} ({self.hint})" if self.hint else text


class ZaffreError(Exception):
    """What went wrong, in words that name the thing; `hint` names the next command or the mend.

    `code` is stable and documented in docs/errors.md; `faults` lists the single faults of a wrong file or request.
    """

    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1
    default_code: ClassVar[str] = "InternalError"

    def __init__(
        self, message: str, *, code: str | None = None, hint: str | None = None, faults: Sequence[Fault] = ()
    ) -> None:
        super().__init__(message)
        self.message, self.code, self.hint = message, code or self.default_code, hint
        self.faults = tuple(faults)

    def body(self) -> dict[str, Any]:
        """The one error shape of the wire."""
        first = asdict(self.faults[0]) if self.faults else {}
        return {
            "code": self.code,
            "message": self.message,
            "hint": self.hint or first.get("hint"),
            "field": first.get("field"),
            "file": first.get("file"),
            "line": first.get("line"),
            "column": first.get("column"),
            "faults": [asdict(fault) for fault in self.faults],
        }


class InvalidRequest(ZaffreError):
    """The user asked for something that cannot be: fix the request."""

    status, exit_code, default_code = 400, 2, "InvalidRequest"


class SpecError(InvalidRequest):
    """A file of the YAML language is wrong; `faults` has every fault found, with file, line and column."""

    default_code = "InvalidSpec"

    def __init__(self, faults: Sequence[Fault], hint: str | None = None) -> None:
        super().__init__("\n".join(str(fault) for fault in faults), hint=hint, faults=faults)


class Unauthorized(ZaffreError):
    """No valid token came with the request."""

    status, exit_code, default_code = 401, 1, "Unauthorized"


class Forbidden(ZaffreError):
    """The token is valid but may not do this."""

    status, exit_code, default_code = 403, 1, "Forbidden"


class NotFound(ZaffreError):
    """The named thing does not exist."""

    status, exit_code, default_code = 404, 3, "NotFound"


class Conflict(ZaffreError):
    """The thing is not in a state that allows this, or exists already with other content."""

    status, exit_code, default_code = 409, 1, "Conflict"


class TooLarge(ZaffreError):
    """The body or file is above its limit."""

    status, exit_code, default_code = 413, 2, "TooLarge"


class Unavailable(ZaffreError):
    """Something needed does not answer now (disk full, database locked, a remote store): try again later."""

    status, exit_code, default_code = 503, 1, "Unavailable"


KINDS: dict[int, type[ZaffreError]] = {
    kind.status: kind for kind in (InvalidRequest, Unauthorized, Forbidden, NotFound, Conflict, TooLarge, Unavailable)
}


def from_body(status: int, body: dict[str, Any]) -> ZaffreError:
    """The error that `body()` described, on the other side of the wire."""
    kind = KINDS.get(status, ZaffreError)
    names = Fault.__dataclass_fields__
    faults = [Fault(**{key: item.get(key) for key in names}) for item in body.get("faults", ())]
    return kind(body.get("message", f"HTTP {status}"), code=body.get("code"), hint=body.get("hint"), faults=faults)
