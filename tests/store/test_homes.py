"""A database server is shared by many; one database of it belongs to one home."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL

from zaffre.app.platform import DATABASE_VARIABLE, open_platform
from zaffre.base.errors import Conflict
from zaffre.services.context import Settings
from zaffre.store import homes
from zaffre.store.db import Database

HERE = Settings("http://127.0.0.1:9")


@pytest.fixture
def shared(postgres: URL, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    name = f"zaffre_{uuid.uuid4().hex}"
    admin = create_engine(postgres, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    url = postgres.set(database=name).render_as_string(hide_password=False)
    monkeypatch.setenv(DATABASE_VARIABLE, url)
    monkeypatch.setattr(homes, "WAIT_S", 0.3)
    yield url
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.mark.usefixtures("shared")
def test_a_second_home_is_refused_and_may_take_over_once_the_first_is_gone(tmp_path: Path) -> None:
    first = open_platform(tmp_path / "one", HERE)
    for take_over in (False, True):
        with pytest.raises(Conflict) as refused:
            open_platform(tmp_path / "two", Settings("http://127.0.0.1:9", take_over=take_over))
        assert refused.value.code == "DatabaseInUse", "two engines never work on it at once"
    first.close()
    with pytest.raises(Conflict) as refused:
        open_platform(tmp_path / "two", HERE)
    assert refused.value.code == "DatabaseOfAnotherHome"
    assert str(tmp_path / "one") in refused.value.message
    assert "--take-over" in str(refused.value.hint)
    open_platform(tmp_path / "one", HERE).close()
    open_platform(tmp_path / "two", Settings("http://127.0.0.1:9", take_over=True)).close()
    open_platform(tmp_path / "two", HERE).close()
    with pytest.raises(Conflict):
        open_platform(tmp_path / "one", HERE)


@pytest.mark.usefixtures("shared")
def test_a_home_that_was_moved_keeps_its_database(tmp_path: Path) -> None:
    open_platform(tmp_path / "one", HERE).close()
    (tmp_path / "one").rename(tmp_path / "elsewhere")
    open_platform(tmp_path / "elsewhere", HERE).close()


def test_the_hold_ends_with_its_process(shared: str, tmp_path: Path) -> None:
    open_platform(tmp_path / "one", HERE).close()
    db, again = Database(shared), Database(shared)
    with again.read() as connection:
        owner = connection.execute(text("SELECT id FROM homes")).scalar_one()
    held = homes.claim(db, owner, "here")
    assert held is not None
    held.invalidate()  # as when the process was killed: the connection is cut
    other = homes.claim(again, owner, "here")
    assert other is not None
    other.close()
    db.close()
    again.close()
