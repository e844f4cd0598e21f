"""What models of rows share: from JSON to rows, and from predictions to the answer of each request."""

from __future__ import annotations

from typing import Any

from . import frames
from .tables import Signature, Table, table
from .values import BadInput, read, write


class Parsed:
    """The rows of one request. Requests with the same key may be scored in one call."""

    __slots__ = ("columns", "key", "rows")

    def __init__(self, columns: tuple[str, ...] | None, rows: list[Any], key: Any) -> None:
        self.columns, self.rows, self.key = columns, rows, key


def parse(payload: bytes, signature: Signature | None) -> Parsed:
    """Raises `BadInput`."""
    found: Table = table(read(payload))
    if signature is None:
        width = len(found.rows[0]) if found.rows and isinstance(found.rows[0], list) else None
        return Parsed(found.columns, found.rows, (found.columns, width))
    return Parsed(signature.names, signature.fit(found), None)


def part(results: Any, start: int, end: int, total: int) -> Any:
    """The share of one request. Raises ValueError when the model did not give one result for each row."""
    if len(results) != total:
        raise ValueError(f"the model gave {len(results)} results for {total} rows")
    if hasattr(results, "iloc"):
        return results.iloc[start:end]
    return results[start:end]


def answer(kind: int, mine: Any) -> bytes:
    """The bare predictions at the scoring address, as Azure ML gives them; `predictions` in MLflow's form."""
    return write({"predictions": mine}) if kind == frames.INVOCATIONS else write(mine)


def needs_json(kind: int) -> None:
    if kind not in (frames.SCORE, frames.INVOCATIONS):
        raise BadInput("this address takes a JSON body by POST")
