"""Bring a database to the schema of this release: made at once when it is empty, migrated when it is older."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, text

from zaffre.base.clock import now_ms
from zaffre.base.errors import Unavailable
from zaffre.store.db import Database

TABLES = (
    "jobs", "assets", "resources", "tracking", "run_keys", "views", "endpoints", "traces", "audit", "homes",
)  # fmt: skip
HEAD = "0007"  # the newest revision; a test compares it with the files in migrations/versions
VERSION_TABLE = "alembic_version"


def metadata() -> Any:
    """Every table. Raises nothing; imports the modules that declare them."""
    for name in TABLES:
        importlib.import_module(f"zaffre.store.tables.{name}")
    return importlib.import_module("zaffre.store.tables.base").metadata


def prepare(db: Database, say: Callable[[str], None] = lambda _line: None) -> None:
    """Raises `Unavailable` for a database of a newer release: nothing in it is touched then."""
    with db.read() as connection:
        version = _version(connection)
        empty = version is None and not inspect(connection).has_table("jobs")
    if version == HEAD:
        return
    if empty:
        with db.write() as connection:
            if _version(connection) is None:  # another process may have been quicker
                metadata().create_all(connection)
                connection.execute(text(f"CREATE TABLE {VERSION_TABLE} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
                connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})
        return
    if version is None or version > HEAD:
        raise Unavailable(
            f"the database {db.url.render_as_string()} was written by a newer release (schema {version or 'unknown'}, "
            f"this release knows {HEAD})",
            code="DatabaseNewer",
            hint="install that release again, or choose another home: zaffre up --home DIR",
        )
    _migrate(db, version, say)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608  a constant


def _migrate(db: Database, version: str, say: Callable[[str], None]) -> None:
    """A copy first; a migration that fails leaves the old database as it was. Raises `Unavailable` then."""
    from alembic import command
    from alembic.config import Config

    copied = ""
    if db.is_sqlite and db.url.database:
        backup = Path(f"{db.url.database}.{version}.{now_ms()}.backup")
        _copy(db, backup)
        copied = f"; a copy from before is {backup}"
        say(f"the database was copied to {backup}")
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    try:
        with db.engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except Exception as error:
        raise Unavailable(
            f"the database could not be brought from schema {version} to {HEAD}: {error}",
            code="MigrationFailed",
            hint=f"it is as it was: the former release works with it{copied}",
        ) from error
    say(f"the database was brought from schema {version} to {HEAD}")


def _copy(db: Database, to: Path) -> None:
    """A consistent copy, the write-ahead log included. Outside of a transaction, which SQLite demands."""
    connection = db.engine.raw_connection()
    try:
        connection.cursor().execute("VACUUM INTO ?", (str(to),))
    finally:
        connection.close()
