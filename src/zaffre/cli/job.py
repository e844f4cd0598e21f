"""`zaffre job ...`"""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import Any

from zaffre.base import errors
from zaffre.cli.client import changes, document, folder, note, workspace
from zaffre.cli.parser import Verbs
from zaffre.cli.rerun import add as add_rerun
from zaffre.cli.streaming import streamed

COLUMNS = ("name", "display_name", "type", "status", "experiment_name", "created_at", "duration_s")
CHANGEABLE = {"display_name": "text", "description": "text", "experiment_name": "text", "tags": "map"}


def add(verbs: Verbs) -> None:
    create = verbs.add("create", _create, "Submit a job from a YAML file", """
        zaffre job create -f job.yml
        zaffre job create -f job.yml --set inputs.learning_rate=0.1 --stream
        zaffre job create -f pipeline.yml --wait -o none       # in CI: the exit status tells
        name=$(zaffre job create -f pipeline.yml --query name -o tsv)
        """, columns=COLUMNS)  # fmt: skip
    create.add_file("job", required=True)
    create.add_name("job (default: a name is made)", required=False)
    create.add_argument("--experiment-name", metavar="NAME", help="experiment, when the file names none")
    create.add_argument("--stream", "-s", action="store_true", help="show progress and logs; exit status 1 if it fails")
    create.add_argument("--wait", action="store_true", help="return when it has ended; exit status 1 if it fails")
    create.add_argument("--verify", nargs="?", type=float, const=1.0, metavar="FRACTION",
                        help="run reused steps all the same (all, or this fraction) and compare; the job fails if one "
                        "makes something else than before")  # fmt: skip
    create.add_argument("--web", "-e", action="store_true", help="show the job in the browser")
    create.add_argument("--skip-validation", action="store_true", help="accepted; files are always checked")
    create.add_registry()

    plan = verbs.add("plan", _plan, "Say which steps would run, and the one cause of each; nothing runs", """
        zaffre job plan -f pipeline.yml
        zaffre job plan -f pipeline.yml --set jobs.train.inputs.depth=4
        """, columns=("step", "runs", "cause", "saved_s"))  # fmt: skip
    plan.add_file("job", required=True)

    listing = verbs.add("list", _list, "List jobs, newest first", """
        zaffre job list --status Failed
        zaffre job list --parent-job-name merry_falcon_x7k2m9p4qr
        zaffre job list --tag team=fraud --query '[].name' -o tsv
        """, columns=COLUMNS)  # fmt: skip
    listing.add_argument("--parent-job-name", "-p", metavar="NAME", help="the jobs below this one")
    listing.add_argument("--experiment-name", metavar="NAME", help="only of this experiment")
    listing.add_argument("--status", metavar="STATUS", help="Running, Completed, Failed, Canceled ...")
    listing.add_listed()

    for verb, run, summary in (
        ("show", _show, "Show a job"),
        ("facts", _facts, "Show all that a run can be repeated from: code, diff, packages, machine, parameters, seeds"),
        ("stream", _stream, "Show the log of a job as it grows; exit status 1 if the job fails"),
        ("cancel", _cancel, "End a job and everything below it"),
        ("archive", _archive, "Hide a job from lists"),
        ("restore", _restore, "Show an archived job in lists again"),
        ("resume", _resume, "Run again what failed, was cancelled or never ran"),
        ("wait", _wait, "Wait for the end of a job; exit status 1 if it fails"),
    ):
        one = verbs.add(verb, run, summary, f"zaffre job {verb} --name merry_falcon_x7k2m9p4qr", columns=COLUMNS)
        one.add_name("job")
        if verb == "show":
            one.add_argument("--web", "-e", action="store_true", help="show the job in the browser")
        if verb == "wait":
            one.add_argument("--timeout", type=float, metavar="SECONDS", help="give up after so long")
        if verb == "resume":
            one.add_argument("--stream", "-s", action="store_true", help="show progress and logs")

    add_rerun(verbs)

    update = verbs.add("update", _update, "Change names and tags of a job", """
        zaffre job update -n NAME --set display_name="second try" tags.team=fraud
        zaffre job update -n NAME --remove tags.team
        """, columns=COLUMNS)  # fmt: skip
    update.add_name("job")
    update.add_set("what to change: display_name, description, experiment_name, tags.KEY")
    update.add_argument("--remove", nargs="+", action="extend", default=[], metavar="tags.KEY", help="take a tag away")

    download = verbs.add("download", _download, "Download logs, default outputs and named outputs of a job", """
        zaffre job download -n NAME --all --download-path results
        zaffre job download -n NAME --output-name model
        """)  # fmt: skip
    download.add_name("job")
    download.add_argument("--all", "-a", action="store_true", help="also every named output")
    download.add_argument("--output-name", metavar="OUTPUT", help="one named output")
    download.add_argument("--download-path", "-p", metavar="DIR", default=".", help="where to (default: here)")


def _create(args: Namespace) -> Any:
    with workspace(args) as ws:
        flags = {"name": args.name} if args.name else {}
        job = ws.jobs.create_or_update(
            document(args, "job", **flags), experiment_name=args.experiment_name, verify=args.verify
        )
        if args.web:
            _open(args, job)
        if args.stream:
            return streamed(args, ws, job)
        return _ended(ws, job.name) if args.wait else job


def _plan(args: Namespace) -> Any:
    with workspace(args) as ws:
        view = ws.jobs.plan(document(args, "job"))
    if args.output in (None, "table") and not args.query and (args.output or sys.stdout.isatty()):
        from zaffre.cli.progress import plan_lines

        print("\n".join(plan_lines(view)))
        return None
    return view


def _list(args: Namespace) -> Any:
    limit = args.max_results or (None if args.parent_job_name else 100)
    with workspace(args) as ws:
        return list(
            ws.jobs.list(
                parent_job_name=args.parent_job_name,
                experiment_name=args.experiment_name,
                status=args.status,
                tag=args.tag,
                max_results=limit,
                archived_only=args.archived_only,
                include_archived=args.include_archived,
            )
        )


def _show(args: Namespace) -> Any:
    with workspace(args) as ws:
        job = ws.jobs.get(args.name)
    if args.web:
        _open(args, job)
    return job


def _facts(args: Namespace) -> Any:
    with workspace(args) as ws:
        return ws.jobs.facts(args.name)


def _stream(args: Namespace) -> Any:
    with workspace(args) as ws:
        return streamed(args, ws, ws.jobs.get(args.name))


def _cancel(args: Namespace) -> Any:
    with workspace(args) as ws:
        return ws.jobs.cancel(args.name)


def _archive(args: Namespace) -> Any:
    with workspace(args) as ws:
        return ws.jobs.archive(args.name)


def _restore(args: Namespace) -> Any:
    with workspace(args) as ws:
        return ws.jobs.restore(args.name)


def _resume(args: Namespace) -> Any:
    with workspace(args) as ws:
        job = ws.jobs.resume(args.name)
        note(
            args, "it runs the code as it was submitted; to run changed code, `zaffre job create` reuses what completed"
        )
        return streamed(args, ws, job) if args.stream else job


def _wait(args: Namespace) -> Any:
    with workspace(args) as ws:
        return _ended(ws, args.name, args.timeout)


def _ended(ws: Any, name: str, timeout_s: float | None = None) -> Any:
    from zaffre.sdk.jobs import succeeded

    return succeeded(ws.jobs.wait(name, timeout_s))


def _update(args: Namespace) -> Any:
    fields = changes(args, fields=CHANGEABLE)
    with workspace(args) as ws:
        return ws.jobs.update(args.name, **fields)


def _download(args: Namespace) -> Any:
    with workspace(args) as ws:
        files = ws.jobs.download(args.name, folder(args), output_name=args.output_name, all=args.all)
    note(args, f"{len(files)} files below {folder(args)}")


def _open(args: Namespace, job: Any) -> None:
    address = job.services.get("Studio", {}).get("endpoint")
    if not address:
        raise errors.NotFound("this server has no page for the job", hint=f"`zaffre job stream --name {job.name}`")
    note(args, address)
    if sys.stdout.isatty():
        import webbrowser

        webbrowser.open(address)
