"""The server itself: is it up, what runs, stop."""

from __future__ import annotations

import os

from zaffre.base.clock import iso
from zaffre.base.version import __version__
from zaffre.services.context import Context
from zaffre.store import job_living
from zaffre.wire.operation import Empty
from zaffre.wire.server import Ask, Status


def health(_ctx: Context, _request: Ask) -> Empty:
    return Empty()


def status(ctx: Context, _request: Ask) -> Status:
    with ctx.db.read() as connection:
        living = job_living.count_living(connection)
    return Status(
        version=__version__,
        url=ctx.settings.url,
        home=str(ctx.home.root),
        database=ctx.db.engine.name,
        pid=os.getpid(),
        started_at=iso(ctx.started_at) or "",
        living_jobs=living,
    )


def stop(ctx: Context, _request: Ask) -> Empty:
    """Answers first, then the server ends. Jobs go on; the next server adopts them."""
    ctx.stop()
    return Empty()
