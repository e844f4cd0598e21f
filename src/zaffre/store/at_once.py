"""Small changes that must not wait: for the event loop, on SQLite.

A commit there writes to a file that the system keeps in memory, which takes less time than handing it to a thread. What
could take longer is not done here but refused with `NotNow`: waiting for another writer, and every now and then the
checkpoint, which syncs, and the change after it, which begins the log anew and syncs too. The refused takes the common
way, `Database.write`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

IN_A_ROW = 200  # changes, until some must take the common way
COMMON = 2  # of them: the connection of the first makes the checkpoint, the second begins the log anew


class NotNow(Exception):
    """It would have to wait; nothing was changed."""


class AtOnce:
    """One connection, used by whoever holds the writer's lock of the database."""

    def __init__(self, pooled: Any) -> None:
        """`pooled` is a connection of SQLAlchemy's pool; it is taken out of it."""
        self._connection: sqlite3.Connection = pooled.driver_connection
        self._pooled = pooled
        pooled.detach()
        self._connection.execute("PRAGMA busy_timeout=0").fetchall()
        self._connection.execute("PRAGMA wal_autocheckpoint=0").fetchall()
        self._left = IN_A_ROW

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One change, whole or not at all. Raises `NotNow`, also for whatever else goes wrong in the database."""
        self._left -= 1
        if self._left < 0:
            if self._left == -COMMON:
                self._left = IN_A_ROW
            raise NotNow
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        except sqlite3.Error as error:  # the common way meets it too, and says plainly what it is
            raise NotNow from error
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def close(self) -> None:
        self._pooled.close()
