"""One home for one database: content, job folders and processes are where the home is, the rows say only their names.

A second home would adopt jobs whose processes it cannot see, and know content that it does not have. A database file
lies in its home. A server's is claimed by the first home that uses it, and used by one process at a time.
"""

from __future__ import annotations

import time

from sqlalchemy import Connection, delete, insert, select, text

from zaffre.base.clock import now_ms
from zaffre.base.errors import Conflict
from zaffre.store.db import Database
from zaffre.store.tables.homes import homes

IN_USE = 0x7A616666_72650001  # of the advisory lock that the one process holds
WAIT_S = 5.0  # for the database to notice that a process was killed
LOOK_AGAIN_S = 0.05


def claim(db: Database, home: str, place: str, *, take_over: bool = False) -> Connection | None:
    """The database is this home's from now on, and this process' as long as the connection is open (None: a file).

    Raises `Conflict` when another process uses it (`DatabaseInUse`), and when it is the database of another home
    (`DatabaseOfAnotherHome`), unless that is to be taken over.
    """
    if db.is_sqlite:
        return None
    held = db.connect_alone()
    try:
        _lock(held, db)
        with db.write() as connection:
            found = connection.execute(select(homes.c.id, homes.c.place)).first()
            if found and found.id != home and not take_over:
                raise Conflict(
                    f"the database {db.url.render_as_string()} belongs to the home {found.place}",
                    code="DatabaseOfAnotherHome",
                    hint="choose another database; or, when that home is gone for good: zaffre up --take-over",
                )
            if found is None or found.id != home or found.place != place:
                connection.execute(delete(homes))
                connection.execute(insert(homes), {"id": home, "place": place, "since": now_ms()})
    except BaseException:
        held.close()
        raise
    return held


def _lock(held: Connection, db: Database) -> None:
    until = time.monotonic() + WAIT_S
    while not held.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": IN_USE}).scalar():
        if time.monotonic() >= until:
            raise Conflict(
                f"another Zaffre uses the database {db.url.render_as_string()}",
                code="DatabaseInUse",
                hint="one server works on a database: stop the other one, or choose another database",
            )
        time.sleep(LOOK_AGAIN_S)
