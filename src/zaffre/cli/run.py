"""`zaffre run ...`"""

from __future__ import annotations

import shutil
import sys
from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from zaffre.cli.client import workspace
from zaffre.cli.parser import Parser, Verbs
from zaffre.core.run_fields import ATTRIBUTES

COLUMNS = ("name", "display_name", "status", "experiment_name", "created_at", "duration_s")
PARTS = ("params", "metrics", "tags", "inputs", "environment", "code")


def add(verbs: Verbs) -> None:
    listing = verbs.add("list", _list, "List runs, newest first or in the order you say", """
        zaffre run list --filter "metrics.loss < 0.3 and params.model = 'tree'" --order-by metrics.loss
        zaffre run list --order-by "metrics.auc desc" --columns metrics.auc params.depth --max-results 10
        zaffre run list --filter "status = 'Failed' and created > '2026-11-01'" -o json
        """, columns=COLUMNS)  # fmt: skip
    _add_choice(listing)
    listing.add_argument("--order-by", nargs="+", action="extend", default=[], metavar="FIELD",
                         help="metrics.loss, 'params.lr desc', duration; several: the first weighs most")  # fmt: skip
    listing.add_argument("--columns", "-c", dest="shown", nargs="+", action="extend", default=[], metavar="FIELD",
                         help="also these: metrics.loss, params.lr, 'metrics.*', any field of a run")  # fmt: skip

    count = verbs.add("count", _count, "Count runs", """
        zaffre run count --filter "metrics.loss < 0.3"
        """)  # fmt: skip
    _add_choice(count, pages=False)

    keys = verbs.add("keys", _keys, "List the names of metrics, parameters and tags, with their ranges", """
        zaffre run keys
        zaffre run keys --prefix val_ --kind metrics
        """, columns=("kind", "key", "runs", "min", "max"))  # fmt: skip
    keys.add_argument("--prefix", default="", metavar="TEXT", help="only names that begin so")
    keys.add_argument("--kind", choices=("metrics", "params", "tags"), metavar="KIND", help="metrics, params or tags")
    keys.add_argument("--experiment-name", metavar="NAME", help="only of this experiment")

    show = verbs.add("show", _show, "Show a run with everything it logged", "zaffre run show merry_falcon_x7k2m9p4qr")
    show.add_argument("name", metavar="NAME", help="name of the run")

    compare = verbs.add("compare", _compare, "Compare runs: parameters, metrics, tags, inputs, packages, code", """
        zaffre run compare merry_falcon_x7k2m9p4qr brave_heron_k3m8p2q7ab
        zaffre run compare A B C --baseline B --only-differences
        zaffre run compare A B --part code
        """)  # fmt: skip
    compare.add_argument("runs", nargs="+", metavar="RUN", help="names of runs, the baseline first")
    compare.add_argument("--baseline", metavar="RUN", help="another one of them as the baseline")
    compare.add_argument("--only-differences", "-d", action="store_true", help="leave out what is the same in all")
    compare.add_argument("--part", nargs="+", action="extend", default=[], choices=PARTS, metavar="PART",
                         help=f"only these: {', '.join(PARTS)}")  # fmt: skip


def _add_choice(parser: Parser, *, pages: bool = True) -> None:
    parser.add_argument("--filter", metavar="TEXT", help="metrics.loss < 0.3 and params.model = 'tree'")
    parser.add_argument("--experiment-name", nargs="+", action="extend", default=[], metavar="NAME",
                        help="only of these experiments")  # fmt: skip
    parser.add_argument("--parent-job-name", "-p", metavar="NAME", help="only those below this job")
    parser.add_argument("--top-level", action="store_true", help="not those below another job")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--archived-only", action="store_true", help="only what was archived")
    which.add_argument("--include-archived", action="store_true", help="also what was archived")
    if pages:
        parser.add_argument("--max-results", "-r", type=int, default=100, metavar="N", help="at most so many (100)")


def _choice(args: Namespace) -> dict[str, Any]:
    names = ("parent_job_name", "top_level", "archived_only", "include_archived")
    return {"experiment_names": args.experiment_name, **{name: getattr(args, name) for name in names}}


def _list(args: Namespace) -> Any:
    as_table = _as_table(args)
    with workspace(args) as ws:
        rows = list(
            ws.runs.search(
                args.filter,
                order_by=args.order_by,
                fields=[*(COLUMNS if as_table else ATTRIBUTES), *args.shown],
                max_results=args.max_results,
                **_choice(args),
            )
        )
    if not as_table:
        return rows
    flat = [_flat(row) for row in rows]
    named = [*COLUMNS, *(name for name in args.shown if not name.endswith("*"))]
    logged = sorted({key for row in flat for key in row if "." in key})
    args.columns = tuple(dict.fromkeys([*named, *logged]))
    return [{name: row.get(name) for name in args.columns} for row in flat]


def _count(args: Namespace) -> Any:
    with workspace(args) as ws:
        found = ws.runs.count(args.filter, **_choice(args))
    return {"count": found} if args.output or args.query else str(found)


def _keys(args: Namespace) -> Any:
    with workspace(args) as ws:
        return list(ws.runs.keys(args.prefix, kind=args.kind, experiment_name=args.experiment_name))


def _show(args: Namespace) -> Any:
    with workspace(args) as ws:
        run = ws.runs.get(args.name)
    return _flat(run) if _as_table(args) else run


def _compare(args: Namespace) -> Any:
    with workspace(args) as ws:
        found = ws.runs.compare(
            *args.runs, baseline=args.baseline, only_differences=args.only_differences, parts=args.part or None
        )
    if not _as_table(args):
        return found
    from zaffre.cli.output import table

    names = [run.name for run in found.runs]
    rows = [
        {"what": f"{part}.{item.key}", **_beside(names, item.values, getattr(item, "deltas", None), found.baseline)}
        for part in PARTS[:-1]
        for item in getattr(found, part) or ()
    ]
    print(table(rows, (), shutil.get_terminal_size((160, 24)).columns, names) or "nothing differs", end="")
    for diff in found.code or ():
        print(_code(diff))
    return None


def _beside(names: Sequence[str], values: Sequence[Any], deltas: Sequence[Any] | None, baseline: str) -> dict[str, Any]:
    """The values under the names of the runs; behind a metric how far it is from the baseline."""
    shown: dict[str, Any] = dict(zip(names, values, strict=True))
    for name, value, delta in zip(names, values, deltas or (), strict=False):
        if name != baseline and delta:
            shown[name] = f"{value:.6g} ({delta:+.3g})"
    return shown


def _code(diff: Any) -> str:
    lines = [f"\ncode of {diff.run}: " + ("not stored" if not diff.known else "the same" if diff.same else "")]
    for file in diff.files:
        moved = f" (was {file.former_path})" if file.former_path else ""
        lines.append(f"{file.change} {file.path}{moved}" + (f": {file.note}" if file.note else ""))
        lines += [file.diff] if file.diff else []
    return "\n".join(lines + (["more files differ"] if diff.cut else []))


def _flat(row: Any) -> dict[str, Any]:
    """`metrics: {loss: 1}` as `metrics.loss: 1`."""
    shown: dict[str, Any] = {}
    for name, value in row.model_dump(exclude_none=True).items():
        shown |= {f"{name}.{key}": item for key, item in value.items()} if isinstance(value, dict) else {name: value}
    return shown


def _as_table(args: Namespace) -> bool:
    return not args.query and (args.output in ("table", "tsv") or (args.output is None and sys.stdout.isatty()))
