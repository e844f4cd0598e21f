"""The database: SQLite (WAL) by default, PostgreSQL for teams. The one place that knows their differences.

Every access is a short transaction: `read()` for questions, `write()` for changes. What a change wakes up (the
engine, open streams) is told after the commit, never before: `Database.after_commit`.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DatabaseError, DataError, InterfaceError, OperationalError, StatementError
from sqlalchemy.pool import QueuePool
from sqlalchemy.schema import Table
from sqlalchemy.sql.dml import Insert

from zaffre.base.errors import InvalidRequest, Unavailable
from zaffre.store.at_once import AtOnce, NotNow

SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=NORMAL",  # survives the death of the process; a power cut may lose the last moments, not more
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=30000",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cache_size=-16000",  # 16 MB
)


class DatabaseUnavailable(Unavailable):
    """The database does not answer now, or cannot be written: what was asked of it may be asked again."""


class Database:
    """One database and the rules of its transactions. Safe to share between threads."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = self._create()
        # SQLite has one writer at a time, and makes the others sleep in steps of up to 100 ms: a lock of ours is fair.
        self._writer = threading.RLock() if self.is_sqlite else None
        self._pending = threading.local()
        self._at_once: AtOnce | None = None

    @classmethod
    def at(cls, home: Path) -> Database:
        """The SQLite database of a home folder."""
        return cls(f"sqlite:///{home / 'zaffre.db'}")

    def _create(self) -> Engine:
        engine = create_engine(
            self.url,
            poolclass=QueuePool,
            pool_size=8,
            max_overflow=32,
            pool_use_lifo=True,  # SQLite's cache of pages is a connection's own: the one used last knows most
            pool_pre_ping=not self.is_sqlite,
            json_serializer=lambda value: orjson.dumps(value).decode(),
            json_deserializer=orjson.loads,
            connect_args={"check_same_thread": False, "timeout": 30} if self.is_sqlite else {},
        )
        if self.is_sqlite:
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        else:
            event.listen(engine, "connect", _prepare_postgres)
        return engine

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent look; nothing may be changed in it."""
        with _told_plainly(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One change, whole or not at all. What `after_commit` was given is called once it is done."""
        if self._writer:
            self._writer.acquire()
        try:
            calls: list[Callable[[], None]] = []
            self._pending.calls = calls
            with _told_plainly(), self.engine.connect() as plain:
                connection = plain.execution_options(zaffre_write=True)
                with connection.begin():
                    yield connection
        finally:
            self._pending.calls = None
            if self._writer:
                self._writer.release()
        for call in calls:
            call()

    @contextmanager
    def write_at_once(self) -> Iterator[sqlite3.Connection]:
        """As `write`, for the few statements of `Prepared` and nothing else. Raises `NotNow` rather than wait."""
        if not self._writer or not self._writer.acquire(blocking=False):
            raise NotNow
        try:
            if self._at_once is None:
                self._at_once = AtOnce(self.engine.raw_connection())
            with self._at_once.write() as connection:
                yield connection
        finally:
            self._writer.release()

    def after_commit(self, call: Callable[[], None]) -> None:
        """Call this when the present `write()` has committed; never if it fails."""
        calls = getattr(self._pending, "calls", None)
        if calls is None:
            raise RuntimeError("after_commit() outside of a write()")
        calls.append(call)

    def insert(self, table: Table) -> Any:
        """An INSERT of the dialect, which knows `on_conflict_do_update` and `on_conflict_do_nothing`."""
        make: Callable[[Table], Insert] = sqlite.insert if self.is_sqlite else postgresql.insert
        return make(table)

    def connect_alone(self) -> Connection:
        """A connection outside of the pool, for a lock that lasts as long as it is open."""
        with _told_plainly():
            connection = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            connection.detach()
            return connection

    def close(self) -> None:
        if self._at_once:
            self._at_once.close()
            self._at_once = None
        self.engine.dispose()


@contextmanager
def _told_plainly() -> Iterator[None]:
    """A database that is locked, full or gone is a state of the world, not a fault of the program."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        reason = str(error.orig).strip().splitlines()[0] if error.orig else str(error)
        if told := _plainly(reason):
            raise told from error
        if not isinstance(error.orig, sqlite3.Error):
            raise DatabaseUnavailable(
                f"the database does not answer: {reason}",
                code="DatabaseGone",
                hint="see whether the PostgreSQL server runs; nothing acknowledged is lost",
            ) from error
        raise
    except (DataError, StatementError, UnicodeEncodeError) as error:
        if isinstance(error, UnicodeEncodeError | DataError) or isinstance(error.orig, TypeError | UnicodeEncodeError):
            raise InvalidRequest(
                "a text holds a character that cannot be kept (NUL, half of a surrogate pair), or a value is too large",
                code="InvalidValue",
            ) from error
        if isinstance(error, DatabaseError) and (told := _plainly(str(error.orig))):
            raise told from error
        raise


def _plainly(reason: str) -> DatabaseUnavailable | None:
    if "readonly" in reason or "unable to open" in reason:
        return DatabaseUnavailable(
            f"the database cannot be written: {reason}",
            code="DatabaseReadOnly",
            hint="check the rights of the home folder, or choose another: zaffre up --home DIR",
        )
    if "locked" in reason:
        return DatabaseUnavailable(
            f"the database is locked by another program: {reason}",
            code="DatabaseLocked",
            hint="end the program that holds it, then try again",
        )
    if "full" in reason or "I/O" in reason or "No space left" in reason:
        return DatabaseUnavailable(
            f"the disk of the database is full or broken: {reason}",
            code="DiskFull",
            hint="free space, then try again; nothing acknowledged is lost",
        )
    if "not a database" in reason or "malformed" in reason:
        return DatabaseUnavailable(
            f"the database is damaged: {reason}",
            code="DatabaseDamaged",
            hint="put back a copy of zaffre.db, or choose another home: zaffre up --home DIR",
        )
    if "no such table" in reason or "no such column" in reason:
        return DatabaseUnavailable(
            f"the database is of another release: {reason}",
            code="DatabaseOther",
            hint="use the release that made it, or choose another home: zaffre up --home DIR",
        )
    return None


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are ours, not the driver's
    cursor = connection.cursor()
    for pragma in SQLITE_PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _prepare_postgres(connection: Any, _record: Any) -> None:
    """Compiling a statement takes PostgreSQL up to seconds; none of ours runs long enough to earn them back."""
    with connection.cursor() as cursor:
        cursor.execute("SET jit = off")
    connection.commit()


@contextmanager
def along_index(connection: Connection) -> Iterator[None]:
    """For a page in the order of an index: PostgreSQL would rather sort everything when it takes a filter for narrow,
    which it cannot know. Nothing changes on SQLite, and nothing stays behind the transaction."""
    _allow(connection, "off")
    yield
    _allow(connection, "on")


def _allow(connection: Connection, value: str) -> None:
    if connection.dialect.name == "postgresql":
        ways = ("enable_sort", "enable_hashjoin", "enable_mergejoin")
        connection.exec_driver_sql("; ".join(f"SET LOCAL {way} = {value}" for way in ways))


def _begin_sqlite(connection: Connection) -> None:
    """Writers take the lock at once: upgrading a read transaction fails when somebody else wrote in between."""
    immediate = connection.get_execution_options().get("zaffre_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
