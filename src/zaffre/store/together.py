"""Writing together: callers that ask at the same moment share one transaction.

A commit costs as much for a hundred rows as for one. Whoever finds nobody writing writes at once, alone; those who
come meanwhile wait, and the next of them writes for all. Nobody is answered before the commit.

An event loop hands in what its clients sent in one round, and it is written in the loop when that is small and nobody
has to be waited for: two changes of threads cost more than such a commit. Else a thread writes it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, TypeVar

from zaffre.store.db import Database
from zaffre.store.prepared import AnyConnection

T = TypeVar("T")
Told = Callable[[Exception | None], object]  # is called once it is committed, or refused; must be quick
Spawn = Callable[[Callable[[], None]], object]  # runs a function soon
MOST = 256  # requests in one transaction: others wait no longer than it takes
MOST_AT_ONCE = 32  # of them in the loop, for the same reason


class _Entry(Generic[T]):
    __slots__ = ("done", "error", "item", "small", "told")

    def __init__(self, item: T, told: Told | None = None, small: bool = False) -> None:
        self.item = item
        self.told = told
        self.small = small
        self.done = False
        self.error: Exception | None = None

    def end(self, error: Exception | None) -> None:
        self.error, self.done = error, True
        if self.told:
            self.told(error)


class Together(Generic[T]):
    """`apply` writes items in the order in which they came, and returns for each an error that refuses it, or None.

    It raises `zaffre.store.at_once.NotNow` when it cannot do so with the connection of `Database.write_at_once`.
    """

    def __init__(self, db: Database, apply: Callable[[AnyConnection, Sequence[T]], Sequence[Exception | None]]) -> None:
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

    def begin(self, item: T, told: Told, small: bool, soon: Spawn, spawn: Spawn) -> None:
        """As `write`, for an event loop, which must not wait: `told` is called in it, or from another thread.

        `soon` runs a function in the loop, after what its clients have sent by now; `spawn` runs one in a thread.
        """
        self._waiting.append(_Entry(item, told, small))
        with self._begun:
            if self._working:
                return
            self._working = True
        soon(partial(self._write_or, spawn))

    def _write_or(self, spawn: Spawn) -> None:
        if not self._write_at_once():
            spawn(self._work)

    def _write_at_once(self) -> bool:
        """Whether all that waited is written."""
        if not self._turn.acquire(blocking=False):
            return False
        try:
            entries = list(self._waiting)
            if len(entries) > MOST_AT_ONCE or not all(entry.small for entry in entries):
                return False
            with self._db.write_at_once() as connection:
                errors = self._apply(connection, [entry.item for entry in entries])
            for _ in entries:
                self._waiting.popleft()
        except Exception:  # `NotNow`; or a thread meets it again, and finds out whose it is
            return False
        finally:
            self._turn.release()
        for entry, refused in zip(entries, errors, strict=True):
            entry.end(refused)
        return self._rest()

    def _rest(self) -> bool:
        """Whether there is nothing left to write: the next that comes begins again."""
        with self._begun:
            self._working = bool(self._waiting)
            return not self._working

    def _work(self) -> None:
        while True:
            with self._turn:
                self._write_waiting()
            if self._rest():
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
