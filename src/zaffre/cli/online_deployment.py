"""`zaffre online-deployment ...`"""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import Any

from zaffre.cli.client import confirm, document, merge_patch, note, workspace
from zaffre.cli.online_endpoint import _local
from zaffre.cli.parser import Parser, Verbs, pairs, positive

COLUMNS = ("name", "endpoint_name", "provisioning_state", "revision", "workers", "instance_count", "message")


def add(verbs: Verbs) -> None:
    create = verbs.add("create", _create, "Create a deployment, or replace the one of that name", """
        zaffre online-deployment create -f blue.yml --all-traffic
        zaffre online-deployment create -f green.yml --endpoint-name risk
        """, columns=COLUMNS)  # fmt: skip
    create.add_file("deployment", required=True)
    create.add_argument("--name", "-n", metavar="NAME", help="name of the deployment")
    _endpoint(create, required=False)
    create.add_argument("--all-traffic", action="store_true", help="once it runs it gets all requests")
    for flag in ("--package-model", "--skip-script-validation", "--with-package"):
        create.add_argument(flag, action="store_true", help="accepted; has no meaning here")
    create.add_argument("--vscode-debug", action="store_true", help="accepted; has no meaning here")
    _local(create)
    show = verbs.add("show", _show, "Show a deployment",
                     "zaffre online-deployment show --name blue --endpoint-name risk", columns=COLUMNS)  # fmt: skip
    listing = verbs.add("list", _list, "List the deployments of an endpoint",
                        "zaffre online-deployment list --endpoint-name risk -o table", columns=COLUMNS)  # fmt: skip
    update = verbs.add("update", _update, "Change a deployment while it serves", """
        zaffre online-deployment update --name blue --endpoint-name risk --set instance_count=2
        """, columns=COLUMNS)  # fmt: skip
    update.add_argument("--file", "-f", metavar="FILE", help="YAML file of the deployment")
    update.add_set("what to change")
    logs = verbs.add("get-logs", _logs, "Show what a deployment printed", """
        zaffre online-deployment get-logs --name blue --endpoint-name risk --lines 100
        """)  # fmt: skip
    logs.add_argument("--lines", "-l", type=positive, default=5000, metavar="N", help="the last so many (5000)")
    logs.add_argument("--container", "-c", metavar="NAME", help="accepted: there is one log")
    logs.add_argument("--follow", action="store_true", help="go on as more comes")
    delete = verbs.add("delete", _delete, "Delete a deployment that gets no traffic",
                       "zaffre online-deployment delete --name blue --endpoint-name risk --yes")  # fmt: skip
    for one in (show, update, logs, delete):
        one.add_name("deployment")
    for one in (show, listing, update, logs, delete):
        _endpoint(one, required=one is not update)
        _local(one)


def _endpoint(parser: Parser, *, required: bool) -> None:
    parser.add_argument("--endpoint-name", "-e", metavar="NAME", required=required, help="name of its endpoint")


def _create(args: Namespace) -> Any:
    with workspace(args) as ws:
        spec = document(args, "online-deployment", name=args.name, endpoint_name=args.endpoint_name)
        made = ws.online_deployments.create_or_update(spec, all_traffic=args.all_traffic)
        return made if args.no_wait else _ended(args, ws, made)


def _show(args: Namespace) -> Any:
    with workspace(args) as ws:
        return ws.online_deployments.get(args.name, args.endpoint_name)


def _list(args: Namespace) -> Any:
    with workspace(args) as ws:
        return list(ws.online_deployments.list(args.endpoint_name))


def _update(args: Namespace) -> Any:
    changes = merge_patch(pairs(args.set, "--set"))
    with workspace(args) as ws:
        if args.file:
            spec = document(args, "online-deployment", name=args.name, endpoint_name=args.endpoint_name)
            made = ws.online_deployments.create_or_update(spec)
            return made if args.no_wait else _ended(args, ws, made)
        if args.endpoint_name is None:
            args.parser.error("the following arguments are required: --endpoint-name/-e")
        return ws.online_deployments.update(args.name, args.endpoint_name, changes)


def _ended(args: Namespace, ws: Any, made: Any) -> Any:
    """What happens is shown on a terminal while it is waited for."""
    if not sys.stderr.isatty() or args.only_show_errors:
        return ws.online_deployments.wait(made.name, made.endpoint_name)
    shown = [0]

    def look(_view: Any) -> None:
        lines = ws.online_deployments.get_logs(made.name, made.endpoint_name).splitlines()
        for line in lines[shown[0] :]:
            print(f"  {line}", file=sys.stderr)
        shown[0] = len(lines)

    note(args, f"deployment `{made.name}` comes up")
    return ws.online_deployments.wait(made.name, made.endpoint_name, look)


def _logs(args: Namespace) -> None:
    with workspace(args) as ws:
        for piece in ws.online_deployments.log(args.name, args.endpoint_name, lines=args.lines, follow=args.follow):
            sys.stdout.write(piece.decode("utf-8", "replace"))
            sys.stdout.flush()


def _delete(args: Namespace) -> None:
    confirm(args, f"Delete deployment `{args.name}` of endpoint `{args.endpoint_name}`")
    with workspace(args) as ws:
        ws.online_deployments.delete(args.name, args.endpoint_name)
