"""What every test may ask for: `database`, once on SQLite and once on a real PostgreSQL."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.engine import URL

from zaffre.store import schema
from zaffre.store.db import Database

# A run in the background of a shell ignores Ctrl-C, and so would every command that a test interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

SERVER_URL = "ZAFFRE_TEST_POSTGRES"  # names a running server; its user must be able to create databases


@pytest.fixture(scope="session")
def postgres() -> Iterator[URL]:
    """A PostgreSQL server of this test session, or the one that ZAFFRE_TEST_POSTGRES names."""
    if given := os.environ.get(SERVER_URL):
        yield make_url(given).set(drivername="postgresql+psycopg")
        return
    programs = _postgres_programs()
    if programs is None:
        reason = f"no initdb: install PostgreSQL, or name a running server in {SERVER_URL}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="zaffre-pg-"))  # short: the path of a socket has at most 107 bytes
    as_user: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(folder, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    data = folder / "data"

    def run(*command: str) -> None:
        done = subprocess.run([*as_user, *command], capture_output=True, text=True, cwd=folder, check=False)
        if done.returncode:
            pytest.fail(f"{' '.join(command)}: {done.stdout}{done.stderr}")

    user = "postgres" if as_user else getpass.getuser()
    run(str(programs / "initdb"), "-D", str(data), "-U", user, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off -c full_page_writes=off"
    run(str(programs / "pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield URL.create("postgresql+psycopg", username=user, database="postgres", query={"host": str(folder)})
    finally:
        run(str(programs / "pg_ctl"), "-D", str(data), "-w", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def _postgres_programs() -> Path | None:
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return versions[-1].parent if versions else None


@pytest.fixture(scope="session")
def postgres_template(postgres: URL) -> Iterator[tuple[URL, str]]:
    """A database with the schema, to copy: faster than making the tables for each test."""
    name = f"zaffre_{uuid.uuid4().hex}"
    _administer(postgres, f"CREATE DATABASE {name}")
    engine = create_engine(postgres.set(database=name))
    schema.metadata().create_all(engine)
    engine.dispose()
    yield postgres, name
    _administer(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database with the schema, one for each test and each kind of database."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'zaffre.db'}"
        made = Database(url)
        schema.metadata().create_all(made.engine)
        made.close()
        yield url
        return
    server, template = request.getfixturevalue("postgres_template")
    name = f"zaffre_{uuid.uuid4().hex}"
    _administer(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield server.set(database=name).render_as_string(hide_password=False)
    _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def _administer(server: URL, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty database with the schema: each test that asks for it runs on SQLite and on PostgreSQL."""
    database = Database(database_url)
    yield database
    database.close()
