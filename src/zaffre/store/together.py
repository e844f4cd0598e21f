"""Writing together: callers that ask at the same moment share one transaction.

A commit costs as much for a hundred rows as for one. Whoever finds nobody writing writes at once, alone; those who
come meanwhile wait, and the next of them writes for all. Nobody is answered before the commit.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from sqlalchemy import Connection

from zaffre.store.db import Database

T = TypeVar("T")
Told = Callable[[Exception | None], object]  # is called once it is committed, or refused; must be quick
MOST = 256  # requests in one transaction: others wait no longer than it takes


class _Entry(Generic[T]):
    __slots__ = ("done", "error", "item", "told")

    def __init__(self, item: T, told: Told | None = None) -> None:
        self.item = item
        self.told = told
        self.done = False
        self.error: Exception | None = None

    def end(self, error: Exception | None) -> None:
        self.error, self.done = error, True
        if self.told:
            self.told(error)


class Together(Generic[T]):
    """`apply` writes items in the order in which they came, and returns for each an error that refuses it, or None."""

    def __init__(self, db: Database, apply: Callable[[Connection, Sequence[T]], Sequence[Exception | None]]) -> None:
        self._db, self._apply = db, apply
        self._waiting: deque[_Entry[T]] = deque()
        self._turn = threading.Lock()
        self._begun = threading.Lock()  # of `_working`: somebody is about to write what `begin` left
        self._working = False

    def write(self, item: T) -> None:
        """Returns when the item is committed. Raises what refused it, or what broke the transaction."""
        entry = _Entry(item)
        self._waiting.append(entry)
        while not entry.done:
            with self._turn:
                if not entry.done:
                    self._write_waiting()
        if entry.error:
            raise entry.error

    def begin(self, item: T, told: Told, spawn: Callable[[Callable[[], None]], object]) -> None:
        """As `write`, for callers that must not wait: `told` is called from another thread.

        `spawn` runs a function in a thread soon; it is asked only when nobody is writing yet.
        """
        self._waiting.append(_Entry(item, told))
        with self._begun:
            if self._working:
                return
            self._working = True
        spawn(self._work)

    def _work(self) -> None:
        while True:
            with self._turn:
                self._write_waiting()
            with self._begun:
                if not self._waiting:
                    self._working = False
                    return

    def _write_waiting(self) -> None:
        entries = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
        if not entries:
            return
        try:
            self._commit(entries)
        except Exception:
            for entry in entries:  # one of them may be the cause: the others must not suffer from it
                try:
                    self._commit([entry])
                except Exception as error:
                    entry.end(error)

    def _commit(self, entries: Sequence[_Entry[T]]) -> None:
        with self._db.write() as connection:
            errors = self._apply(connection, [entry.item for entry in entries])
        for entry, refused in zip(entries, errors, strict=True):
            entry.end(refused)
