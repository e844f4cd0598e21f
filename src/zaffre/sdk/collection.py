"""What the collections of a workspace have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from zaffre.sdk.closing import Closer
from zaffre.sdk.transport import Transport
from zaffre.wire.jobs import Listed

T = TypeVar("T")


@dataclass(frozen=True)
class Scope:
    """The workspace a collection works in, how to reach it, and what brings local files there."""

    transport: Transport
    workspace: str
    closer: Closer

    def about(self, **fields: Any) -> dict[str, Any]:
        """Fields of a request about this workspace; those that are None were not given."""
        given = {key: value for key, value in fields.items() if value is not None}
        return {"workspace": self.workspace, **given}


class Collection:
    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._transport = scope.transport


class Done(Generic[T]):
    """The answer of a `begin_...` method. Here the work is over when the call returns."""

    def __init__(self, result: T) -> None:
        self._result = result

    def result(self, timeout: float | None = None) -> T:  # noqa: ARG002  # the signature users know
        """What was made."""
        return self._result

    def wait(self, timeout: float | None = None) -> None:
        """Returns at once."""

    def done(self) -> bool:
        """Always true."""
        return True

    def status(self) -> str:
        """Always `Succeeded`: a failure is raised by the call itself."""
        return "Succeeded"


def pages(ask: Callable[[str | None, int], Any], max_results: int | None, size: int = 1000) -> Iterator[Any]:
    """Every item of a list, page by page. `ask(cursor, size)` gives a view with `items` and `cursor`."""
    left, cursor = max_results, None
    while left is None or left > 0:
        page = ask(cursor, size if left is None else min(left, size))
        yield from page.items if left is None else page.items[:left]
        left = None if left is None else left - len(page.items)
        cursor = page.cursor
        if not cursor:
            return


def listed(archived_only: bool, include_archived: bool) -> Listed | None:
    """How the wire says which items a list has."""
    return "archived" if archived_only else "all" if include_archived else None


def texts(changes: Mapping[str, Any] | None) -> dict[str, str | None] | None:
    """Tags and properties are text; None takes one away."""
    if changes is None:
        return None
    return {key: None if value is None else str(value) for key, value in changes.items()}
