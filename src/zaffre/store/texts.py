"""Long texts that many jobs share (environment locks, uncommitted diffs), each stored once under its BLAKE3."""

from __future__ import annotations

from blake3 import blake3
from sqlalchemy import Connection, select

from zaffre.store.db import Database
from zaffre.store.tables.jobs import texts


def digest(text: str) -> str:
    return blake3(text.encode()).hexdigest()


def put(db: Database, connection: Connection, text: str) -> str:
    """Returns the hash under which the text is found again."""
    hash_ = digest(text)
    connection.execute(db.insert(texts).values(hash=hash_, text=text).on_conflict_do_nothing())
    return hash_


def get(connection: Connection, hash_: str) -> str | None:
    return connection.execute(select(texts.c.text).where(texts.c.hash == hash_)).scalar()
