"""The rules of transactions, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from zaffre.store.db import Database
from zaffre.store.tables.resources import workspaces


def _add(database: Database, name: str, *, fail: bool = False) -> list[str]:
    told: list[str] = []
    with database.write() as connection:
        connection.execute(workspaces.insert().values(name=name, spec={"ä": [1]}, created_at=1, changed_at=1))
        database.after_commit(lambda: told.append(name))
        assert told == []
        if fail:
            raise ValueError("on purpose")
    return told


def test_a_change_is_told_after_its_commit(database: Database) -> None:
    assert _add(database, "one") == ["one"]
    with database.read() as connection:
        assert connection.execute(select(workspaces.c.name, workspaces.c.spec)).all() == [("one", {"ä": [1]})]


def test_a_failed_change_leaves_nothing(database: Database) -> None:
    with pytest.raises(ValueError, match="on purpose"):
        _add(database, "one", fail=True)
    with database.read() as connection:
        assert connection.execute(select(workspaces)).all() == []
    assert _add(database, "one") == ["one"]
