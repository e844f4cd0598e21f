"""`zaffre metrics ...`"""

from __future__ import annotations

import math
import shutil
import sys
from argparse import Namespace
from typing import Any

from zaffre.base import errors
from zaffre.cli.client import workspace
from zaffre.cli.parser import Verbs, positive

HEIGHT = 12  # lines of a chart
SHOWN = 6  # keys, when none is named


def add(verbs: Verbs) -> None:
    listing = verbs.add("list", _list, "List the metrics of a job, with their latest values", """
        zaffre metrics list merry_falcon_x7k2m9p4qr
        zaffre metrics list JOB --query "[?starts_with(key, 'train')]"
        """, columns=("key", "value", "step", "points"))  # fmt: skip
    listing.add_argument("job", metavar="JOB", help="name of the job")

    show = verbs.add("show", _show, "Show the points of metrics, or draw them in the terminal", """
        zaffre metrics show JOB --key loss --plot
        zaffre metrics show JOB_A JOB_B --key loss --plot --smooth 0.9
        zaffre metrics show JOB --key loss -o tsv > loss.tsv
        """, columns=("job", "key", "step", "time", "value"))  # fmt: skip
    show.add_argument("jobs", nargs="+", metavar="JOB", help="names of jobs; several are drawn into one chart")
    show.add_argument("--key", "-k", action="extend", nargs="+", default=[], metavar="KEY",
                      help=f"metrics (default: all of them; drawn: the first {SHOWN})")  # fmt: skip
    show.add_argument("--plot", action="store_true", help="draw them")
    show.add_argument("--x", choices=("step", "relative", "wall"), default="step",
                      help="drawn along steps, seconds of the run, or time (default: step)")  # fmt: skip
    show.add_argument("--smooth", type=float, metavar="WEIGHT", help="exponential average, from 0 to below 1")
    show.add_argument("--max-results", "-r", type=positive, default=1000, metavar="N",
                      help="at most so many points of each, the last ones (default: 1000)")  # fmt: skip


def _list(args: Namespace) -> Any:
    with workspace(args) as ws:
        return ws.metrics.list(args.job)


def _show(args: Namespace) -> Any:
    with workspace(args) as ws:
        keys = args.key or list(dict.fromkeys(item.key for job in args.jobs for item in ws.metrics.list(job)))
        if not keys:
            raise errors.NotFound(f"{', '.join(args.jobs)} logged no metrics", code="MetricNotFound")
        if args.plot:
            _plot(args, ws, keys if args.key else keys[:SHOWN])
            if len(keys) > SHOWN and not args.key:
                print(f"{len(keys) - SHOWN} more metrics: --key KEY draws them", file=sys.stderr)
            return None
        return [row for job in args.jobs for key in keys for row in _points(args, ws, job, key)]


def _points(args: Namespace, ws: Any, job: str, key: str) -> list[dict[str, Any]]:
    from zaffre.base.clock import iso

    try:
        found = ws.metrics.history(job, key)
    except errors.NotFound as error:
        if error.code == "MetricNotFound" and (len(args.jobs) > 1 or not args.key):
            return []  # another job has it
        raise
    last = slice(-args.max_results, None)
    rows = zip(found.steps[last], found.timestamps[last], found.values[last], strict=True)
    return [
        {"job": job, "key": key, "step": step, "time": _moment(iso, at),
         "value": value if math.isfinite(value) else str(value)}
        for step, at, value in rows
    ]  # fmt: skip


def _moment(iso: Any, at: int) -> Any:
    """A client may have logged any number as a time."""
    try:
        return iso(at)
    except (ValueError, OverflowError, OSError):
        return at


def _plot(args: Namespace, ws: Any, keys: list[str]) -> None:
    from zaffre.cli.chart import COLOURS, Line, chart
    from zaffre.cli.output import printable

    width, colour = shutil.get_terminal_size((100, 24)).columns, sys.stdout.isatty()
    smooth = None if args.smooth is None else ("ema", args.smooth)
    for key in keys:
        found = ws.metrics.query(args.jobs, [key], x=args.x, buckets=max(2 * width, 2), smooth=smooth)
        if not found.curves:
            raise errors.NotFound(f"{', '.join(args.jobs)} logged no metric `{key}`", code="MetricNotFound",
                                  hint=f"zaffre metrics list {args.jobs[0]}")  # fmt: skip
        lines = [Line(c.columns["min"], c.columns["max"], c.columns["last"]) for c in found.curves]
        print(f"{printable(key)}, by {args.x}" + (f", bucketed {found.ratio:g}:1" if found.ratio > 1 else ""))
        for row in chart(found.x, lines, width, HEIGHT, colour=colour, end=_end(args, ws, key, found)):
            print(row)
        for number, curve in enumerate(found.curves):
            last = next((value for value in reversed(curve.columns["last"]) if value is not None), None)
            told = "no finite value" if last is None else f"last {last:.6g}"
            told += f", {curve.points:,} points" + (f", {curve.not_finite:,} not finite" if curve.not_finite else "")
            mark = f"\x1b[{COLOURS[number % len(COLOURS)]}m──\x1b[0m" if colour else "──"
            print(f"{mark} {curve.run}: {told}")


def _end(args: Namespace, ws: Any, key: str, found: Any) -> float:
    """The greatest x. Of a bucket it is known where it begins: the last one is looked into until it is one x."""
    end = float(found.x[-1])
    while found.width:
        begins, width = found.x[-1], found.width
        found = ws.metrics.query(args.jobs, [key], x=args.x, range=(begins, None), buckets=100)
        if not found.x or found.width >= width:
            return end
        end = float(found.x[-1])
    return end
