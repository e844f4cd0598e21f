"""Statements that are run for every logged metric: compiled once, for what SQLAlchemy does around a small statement
costs several times the statement.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection

from zaffre.store.db import Database

AnyConnection = Connection | sqlite3.Connection  # the second one is of `Database.write_at_once`


class Prepared:
    """`make` builds a statement for a kind of database. Values go to the driver as they are: numbers, texts, bytes."""

    def __init__(self, make: Callable[[Database], Any]) -> None:
        self._make = make
        self._known: dict[bool, tuple[str, Callable[[Mapping[str, Any]], Any] | None]] = {}

    def run(
        self, db: Database, connection: AnyConnection, values: Mapping[str, Any] | Sequence[Mapping[str, Any]]
    ) -> Any:
        """With these values, or with each of several sets of them. What it returns has `fetchall`."""
        if (known := self._known.get(db.is_sqlite)) is None:
            compiled = self._make(db).compile(dialect=db.engine.dialect)
            order = compiled.positiontup
            known = self._known[db.is_sqlite] = (str(compiled), itemgetter(*order) if order else None)
        text, ordered = known
        given: Any = values
        if ordered is not None:
            given = ordered(values) if isinstance(values, Mapping) else [ordered(row) for row in values]
        if isinstance(connection, Connection):
            return connection.exec_driver_sql(text, given)
        return (connection.executemany if isinstance(given, list) else connection.execute)(text, given)
