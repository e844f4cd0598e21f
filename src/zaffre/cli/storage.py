"""`zaffre storage ...`"""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from zaffre.base import errors
from zaffre.cli.client import confirm, note, workspace
from zaffre.cli.parser import Verbs


def add(verbs: Verbs) -> None:
    verbs.add("scrub", _scrub, "Read every stored byte and name what is damaged; exit status 1 if anything is",
              "zaffre storage scrub")  # fmt: skip
    gc = verbs.add("gc", _gc, "Remove content that nothing refers to, and environments long unused", """
        zaffre storage gc --dry-run
        zaffre storage gc --unused-days 7 --yes
        zaffre storage gc --keep-hours 0 --yes         # what was deleted a moment ago goes too
        """)  # fmt: skip
    gc.add_argument("--dry-run", action="store_true", help="only say what would go")
    gc.add_argument(
        "--unused-days",
        type=float,
        default=30.0,
        metavar="N",
        help="environments and copies of remote data unused so long go (30)",
    )
    gc.add_argument(
        "--keep-hours", type=float, default=24.0, metavar="N", help="content that came in lately stays (24)"
    )


def _scrub(args: Namespace) -> Any:
    from zaffre.cli.counting import counting
    from zaffre.cli.output import emit
    from zaffre.wire import server

    damaged: list[server.Damage] = []
    with workspace(args) as ws, counting(args, "read") as count:
        for event in ws.transport.events(server.SCRUB, server.Scrub()):
            damaged += event.damaged
            count(event.objects, event.of_objects, f"objects, {len(damaged)} damaged" if damaged else "objects")
    emit({"objects": event.objects, "bytes": event.of_bytes, "damaged": damaged}, args)
    if damaged:
        raise errors.Conflict(
            f"{len(damaged)} of {event.objects} objects are damaged", code="Damaged",
            hint="restore them from a copy, or create the versions that use them again",
        )  # fmt: skip


def _gc(args: Namespace) -> Any:
    from zaffre.wire import server

    asked = server.Collect(dry_run=True, unused_days=args.unused_days, keep_hours=args.keep_hours)
    with workspace(args) as ws:
        would = ws.transport.call(server.GC, asked)
        if args.dry_run:
            return would
        found = f"{would.objects} objects ({would.bytes:,} bytes), {len(would.environments)} environments, "
        found += f"{would.copies_bytes:,} bytes of fetched copies, {would.job_folders} job folders"
        note(args, f"{found} would go")
        confirm(args, "Remove them")
        return ws.transport.call(server.GC, asked.model_copy(update={"dry_run": False}))
