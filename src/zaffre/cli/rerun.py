"""`zaffre job rerun` and `zaffre job diff`."""

from __future__ import annotations

import shutil
import sys
from argparse import Namespace
from typing import Any

from zaffre.base import errors
from zaffre.cli.client import note, workspace
from zaffre.cli.parser import Verbs
from zaffre.cli.streaming import streamed

COLUMNS = ("name", "display_name", "type", "status", "experiment_name", "created_at", "duration_s")


def add(verbs: Verbs) -> None:
    again = verbs.add("rerun", _rerun, "Run a job again: its document, with changes, or exactly as it was", """
        zaffre job rerun merry_falcon_x7k2m9p4qr --set inputs.depth=4 --stream
        zaffre job rerun merry_falcon_x7k2m9p4qr --exact --wait    # then tells what differs
        zaffre job rerun merry_falcon_x7k2m9p4qr --exact --changed-data --stream
        """, columns=COLUMNS)  # fmt: skip
    _add_job(again)
    again.add_argument("--exact", action="store_true", help="with the code, data, versions of packages, parameters and "
                       "seeds that it had; every step runs, nothing is registered")  # fmt: skip
    again.add_argument("--changed-data", action="store_true",
                       help="with --exact: also when data has changed at its source; the report tells")  # fmt: skip
    again.add_set("replace a value of the document: path=value, several or repeated")
    again.add_argument("--stream", "-s", action="store_true", help="show progress and logs; exit status 1 if it fails")
    again.add_argument("--wait", action="store_true", help="return when it has ended; exit status 1 if it fails")

    diff = verbs.add("diff", _diff, "Compare what two jobs were given and what they made", """
        zaffre job diff brave_heron_k3m8p2q7ab                      # of a repetition: with the job it repeats
        zaffre job diff brave_heron_k3m8p2q7ab --to merry_falcon_x7k2m9p4qr
        """)  # fmt: skip
    _add_job(diff)
    diff.add_argument("--to", metavar="JOB", help="the job to compare with (default: the one that this job repeats)")


def _add_job(parser: Any) -> None:
    parser.add_argument("job", nargs="?", metavar="JOB", help="name of the job")
    parser.add_argument("--name", "-n", metavar="NAME", help="the same as a flag")


def _name(args: Namespace) -> str:
    if bool(args.job) == bool(args.name):
        raise errors.InvalidRequest("name one job", code="InvalidCommand", hint=f"`{args.parser.prog} --help` explains")
    return str(args.job or args.name)


def _rerun(args: Namespace) -> Any:
    from zaffre.sdk.jobs import succeeded

    with workspace(args) as ws:
        job = ws.jobs.rerun(_name(args), exact=args.exact, overrides=args.set, changed_data=args.changed_data)
        said = (job.facts or {}).get("rerun") or {}
        for line in [*said.get("differs", ()), *(f"not known: {line}" for line in said.get("unknown", ()))]:
            note(args, line)
        if not (args.stream or args.wait):
            if args.exact:
                note(args, f"when it has ended, `zaffre job diff {job.name}` tells what differs")
            return job
        shown = streamed(args, ws, job) if args.stream else succeeded(ws.jobs.wait(job.name))
        if args.exact and shown != 130:
            to = sys.stderr if args.output or args.query or args.wait else sys.stdout
            print("\n".join(lines(ws.jobs.diff(job.name))), file=to)
        return shown


def _diff(args: Namespace) -> Any:
    with workspace(args) as ws:
        found = ws.jobs.diff(_name(args), args.to)
    if args.query or not (args.output == "table" or (args.output is None and sys.stdout.isatty())):
        return found
    print("\n".join(lines(found)))
    return None


def lines(found: Any) -> list[str]:
    """What differs as people read it."""
    from zaffre.cli.output import table

    told = []
    for title, some in (("given", found.given), ("made", found.made)):
        rows = [
            {
                title: f"{item.step}: {item.name}" if item.step else item.name,
                "what": item.what,
                found.other: _value(item, item.before),
                found.job: _value(item, item.after) + (f" ({item.delta:+.3g})" if item.delta else ""),
            }
            for item in some
        ]
        if rows:
            told += [table(rows, (), shutil.get_terminal_size((160, 24)).columns).rstrip("\n")]
            told += [f"  {item.name}: {line}" for item in some for line in item.files]
    told += [f"not known: {line}" for line in found.unknown]
    if not found.ended:
        told.append("one of the jobs has not ended yet")
    elif found.same:
        told.append(f"made the same as {found.other}: metrics equal, outputs equal by content")
    elif not found.made:
        told.append("nothing that could be compared differs")
    return told


def _value(item: Any, value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else value[:12] if item.what == "output" else str(value)
