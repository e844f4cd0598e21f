"""A database made at once and one brought there by migrations are the same; one of a newer release is left alone."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect, select, text
from sqlalchemy.engine import URL

from zaffre.base.errors import Unavailable
from zaffre.store import migrations, schema
from zaffre.store.db import Database
from zaffre.store.tables.resources import workspaces

VERSIONS = sorted(Path(str(migrations.__file__)).parent.glob("versions/[0-9]*.py"))


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """Makes empty databases of one kind."""
    made: list[Database] = []
    names: list[str] = []

    def make() -> Database:
        if request.param == "sqlite":
            found = Database(f"sqlite:///{tmp_path / uuid.uuid4().hex}.db")
        else:
            server: URL = request.getfixturevalue("postgres")
            names.append(f"zaffre_{uuid.uuid4().hex}")
            _administer(server, f"CREATE DATABASE {names[-1]}")
            found = Database(server.set(database=names[-1]).render_as_string(hide_password=False))
        made.append(found)
        return found

    yield make
    for database in made:
        database.close()
    for name in names:
        _administer(request.getfixturevalue("postgres"), f"DROP DATABASE {name} WITH (FORCE)")


def _administer(server: URL, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_head_is_the_newest_file() -> None:
    assert VERSIONS
    assert VERSIONS[-1].name.split("_")[0] == schema.HEAD
    numbers = [path.name.split("_")[0] for path in VERSIONS]
    assert numbers == [f"{n:04}" for n in range(1, len(numbers) + 1)]


def test_migrations_lead_to_the_schema_of_the_tables(empty: Any) -> None:
    at_once, step_by_step = empty(), empty()
    schema.prepare(at_once)
    schema._migrate(step_by_step, "0000", lambda _line: None)
    wanted, found = _described(at_once), _described(step_by_step)
    assert found.keys() == wanted.keys(), "tables: renew the newest migration"
    for table, columns in wanted.items():
        assert found[table] == columns, f"table {table}: the migrations make another one than src/zaffre/store/tables"


def _described(database: Database) -> dict[str, Any]:
    look = inspect(database.engine)
    return {
        table: {
            "columns": {c["name"]: (str(c["type"]), c["nullable"], c["default"]) for c in look.get_columns(table)},
            "key": look.get_pk_constraint(table)["constrained_columns"],
            "unique": sorted(tuple(c["column_names"]) for c in look.get_unique_constraints(table)),
            "foreign": sorted(
                (tuple(c["constrained_columns"]), c["referred_table"], c["options"].get("ondelete"))
                for c in look.get_foreign_keys(table)
            ),
            "indexes": sorted(
                (c["name"], tuple(c["column_names"]), bool(c["unique"]), _where(c)) for c in look.get_indexes(table)
            ),
        }
        for table in look.get_table_names()
    }


def _where(index: Any) -> str:
    return str({name: str(value) for name, value in index.get("dialect_options", {}).items()})


def test_preparing_twice_changes_nothing(empty: Any) -> None:
    database = empty()
    schema.prepare(database)
    before = _described(database)
    schema.prepare(database)
    assert _described(database) == before


@pytest.mark.parametrize("version", ["9999", None], ids=["newer", "unknown"])
def test_a_database_of_another_release_is_refused_untouched(empty: Any, version: str | None) -> None:
    database = empty()
    schema.prepare(database)
    with database.write() as connection:
        connection.execute(text("DELETE FROM alembic_version"))
        if version:
            connection.execute(text("INSERT INTO alembic_version VALUES (:version)"), {"version": version})
    before = _described(database)
    with pytest.raises(Unavailable) as refused:
        schema.prepare(database)
    assert refused.value.code == "DatabaseNewer"
    assert refused.value.hint
    assert _described(database) == before


NEXT = f"{int(schema.HEAD) + 1:04}"
BROKEN = f"""
import sqlalchemy as sa
from alembic import op

revision, down_revision = "{NEXT}", "{schema.HEAD}"


def upgrade() -> None:
    op.create_table("half", sa.Column("id", sa.Integer, primary_key=True))
    op.execute("UPDATE workspaces SET name = 'spoiled'")
    op.execute("INSERT INTO no_such_table VALUES (1)")
"""


def test_a_failed_migration_leaves_the_old_database_and_a_copy(
    empty: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = empty()
    schema.prepare(database)
    with database.write() as connection:
        connection.execute(workspaces.insert().values(name="mine", spec={}, created_at=1, changed_at=1))
    before = _described(database)
    shutil.copytree(Path(str(schema.__file__)).parent / "migrations", tmp_path / "migrations")
    (tmp_path / "migrations/versions" / f"{NEXT}_broken.py").write_text(BROKEN)
    monkeypatch.setattr(schema, "__file__", str(tmp_path / "schema.py"))
    before_head = schema.HEAD
    monkeypatch.setattr(schema, "HEAD", NEXT)
    with pytest.raises(Unavailable, match="no_such_table") as refused:
        schema.prepare(database)
    assert refused.value.code == "MigrationFailed"
    assert _described(database) == before
    looked = [database]
    if database.is_sqlite:
        (copy,) = tmp_path.glob(f"{Path(str(database.url.database)).name}.{before_head}.*.backup")
        looked.append(Database(f"sqlite:///{copy}"))
    for one in looked:
        with one.read() as connection:
            assert connection.execute(select(workspaces.c.name)).scalars().all() == ["mine"]
            assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == before_head
        one.close()
