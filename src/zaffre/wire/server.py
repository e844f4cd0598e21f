"""The server itself on the wire: health, storage, environments on disk, stop."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from zaffre.core.permissions import Permission
from zaffre.wire.operation import NUMBER, Body, Empty, Operation, Request, View


class Ask(Request):
    pass


class Status(View):
    version: str
    url: str
    home: str
    database: str
    pid: int
    started_at: str
    living_jobs: int


class Collect(Request):
    """Remove content that nothing refers to, and environments and fetched copies unused for so many days.

    Content that arrived in the last `keep_hours` stays: it may belong to work under way. `dry_run` only counts.
    """

    dry_run: bool = True
    unused_days: float = Field(default=30.0, ge=0)
    keep_hours: float = Field(default=24.0, ge=0)


class Collected(View):
    dry_run: bool
    objects: int
    bytes: int
    environments: list[dict[str, Any]]
    copies_bytes: int = 0  # of remote data, fetched and unused since
    job_folders: int


class Damage(View):
    hash: str
    problem: str
    used_by: list[str]


class Scrub(Request):
    """Read every stored byte, from the beginning or `after` so many steps of a scrub that was cut off."""

    after: int = Field(default=0, ge=0, le=NUMBER)


class Scrubbed(View):
    """How far a scrub has come. It is over when as much is read as there is (`objects` of `of_objects`).

    `damaged` is what was found since the last event, `bytes` and `of_bytes` are those of the objects, read since the
    scrub was taken up and stored in all.
    """

    id: int  # steps: objects, then trees
    over: bool
    objects: int
    of_objects: int
    bytes: int
    of_bytes: int
    damaged: list[Damage]


HEALTH = Operation("server.health", "GET", "/health", Ask, Empty, Permission.PUBLIC, "Is it up?")
STATUS = Operation("server.status", "GET", "/status", Ask, Status, Permission.SERVER_READ, "What runs here")
STOP = Operation("server.stop", "POST", "/stop", Ask, Empty, Permission.SERVER_MANAGE, "Stop the server; jobs go on")
SCRUB = Operation("storage.scrub", "GET", "/storage:scrub", Scrub, Scrubbed, Permission.SERVER_MANAGE,
                  "Read every stored byte and name what is damaged, with its progress", Body.EVENTS)  # fmt: skip
GC = Operation("storage.gc", "POST", "/storage:gc", Collect, Collected, Permission.SERVER_MANAGE,
               "Remove what nothing refers to")  # fmt: skip
OPERATIONS: tuple[Operation[Any, Any], ...] = (HEALTH, STATUS, STOP, SCRUB, GC)
