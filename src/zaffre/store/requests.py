"""Requests that carry an Idempotency-Key, so that a repeated one is answered and not done again."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select, update

from zaffre.base.clock import now_ms
from zaffre.store.db import Database
from zaffre.store.tables.resources import requests

KEPT_MS = 24 * 3600 * 1000


def begin(db: Database, connection: Connection, key: str, digest: str) -> bool:
    """Whether the key is new; it is taken then."""
    now = now_ms()
    connection.execute(delete(requests).where(requests.c.created_at < now - KEPT_MS))
    statement = db.insert(requests).values(key=key, digest=digest, created_at=now).on_conflict_do_nothing()
    return connection.execute(statement.returning(requests.c.key)).first() is not None


def find(connection: Connection, key: str) -> tuple[str, str | None, int] | None:
    """(digest, answer, created_at)."""
    row = connection.execute(
        select(requests.c.digest, requests.c.answer, requests.c.created_at).where(requests.c.key == key)
    ).first()
    return (row[0], row[1], row[2]) if row else None


def end(connection: Connection, key: str, answer: str) -> None:
    connection.execute(update(requests).where(requests.c.key == key).values(answer=answer))


def forget_open(connection: Connection) -> None:
    """Requests that a server before this one died over."""
    connection.execute(delete(requests).where(requests.c.answer.is_(None)))


def forget(connection: Connection, key: str) -> None:
    """A request that failed may be sent again under the same key."""
    connection.execute(delete(requests).where(requests.c.key == key))
