"""Statements that are run for every logged metric: compiled once, for what SQLAlchemy does around a small statement
costs several times the statement.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, CursorResult

from zaffre.store.db import Database


class Prepared:
    """`make` builds a statement for a kind of database. Values go to the driver as they are: numbers, texts, bytes."""

    def __init__(self, make: Callable[[Database], Any]) -> None:
        self._make = make
        self._known: dict[bool, tuple[str, Sequence[str] | None]] = {}

    def run(
        self, db: Database, connection: Connection, values: Mapping[str, Any] | Sequence[Mapping[str, Any]]
    ) -> CursorResult[Any]:
        """With these values, or with each of several sets of them."""
        if (known := self._known.get(db.is_sqlite)) is None:
            compiled = self._make(db).compile(dialect=connection.dialect)
            known = self._known[db.is_sqlite] = (str(compiled), compiled.positiontup)
        text, order = known
        if order is None:
            return connection.exec_driver_sql(text, values)
        if isinstance(values, Mapping):
            return connection.exec_driver_sql(text, tuple(values[name] for name in order))
        return connection.exec_driver_sql(text, [tuple(row[name] for name in order) for row in values])
