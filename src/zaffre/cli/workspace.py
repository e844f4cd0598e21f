"""`zaffre workspace ...`"""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from zaffre.cli.client import confirm, document, merge_patch, workspace, workspace_name
from zaffre.cli.parser import Verbs, pairs

COLUMNS = ("name", "display_name", "description", "location", "mlflow_tracking_uri", "created_at")


def add(verbs: Verbs) -> None:
    create = verbs.add("create", _create, "Create a workspace, or change it", """
        zaffre workspace create --name fraud --description "card fraud"
        zaffre workspace create -f workspace.yml
        """, columns=COLUMNS)  # fmt: skip
    create.add_file("workspace")
    update = verbs.add("update", _update, "Change a workspace", """
        zaffre workspace update -n fraud --set description="all fraud" tags.team=risk
        """, columns=COLUMNS)  # fmt: skip
    update.add_file("workspace")
    for parser in (create, update):
        parser.add_argument("--display-name", "-d", metavar="TEXT", help="name as people see it")
        parser.add_argument("--description", metavar="TEXT", help="what it is for")
        parser.add_argument("--location", "-l", metavar="PLACE", help="kept; has no meaning here")
        parser.add_argument("--tags", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="tags")
        for flag in ("--managed-network", "--public-network-access", "--image-build-compute"):
            parser.add_argument(flag, metavar="X", help="accepted; has no meaning here")
    verbs.add("list", _list, "List workspaces", "zaffre workspace list --query '[].name' -o tsv", columns=COLUMNS)
    show = verbs.add("show", _show, "Show a workspace", """
        zaffre workspace show
        zaffre workspace show --query mlflow_tracking_uri -o tsv
        """, columns=COLUMNS)  # fmt: skip
    delete = verbs.add("delete", _delete, "Delete an idle workspace and everything in it", """
        zaffre workspace delete --name fraud --yes
        """)  # fmt: skip
    for flag in ("--all-resources", "--permanently-delete"):
        delete.add_argument(flag, action="store_true", help="accepted; everything is deleted")
    for parser in (create, update, show, delete):
        parser.add_name("workspace", required=False)


def _fields(args: Namespace) -> dict[str, Any]:
    names = ("display_name", "description", "location")
    fields = {name: getattr(args, name) for name in names} | {"tags": pairs(args.tags, "--tags") or None}
    return {key: value for key, value in fields.items() if value is not None}


def _create(args: Namespace) -> Any:
    name = args.name or args.workspace_name
    with workspace(args) as ws:
        return ws.workspaces.create_or_update(document(args, "workspace", name=name, **_fields(args)))


def _update(args: Namespace) -> Any:
    with workspace(args) as ws:
        if args.file:
            return ws.workspaces.create_or_update(document(args, "workspace", name=args.name, **_fields(args)))
        name = args.name or workspace_name(args)
        ws.workspaces.get(name)
        return ws.workspaces.create_or_update({"name": name, **merge_patch(pairs(args.set, "--set")), **_fields(args)})


def _list(args: Namespace) -> Any:
    with workspace(args) as ws:
        return list(ws.workspaces.list())


def _show(args: Namespace) -> Any:
    with workspace(args) as ws:
        return ws.workspaces.get(args.name or workspace_name(args))


def _delete(args: Namespace) -> None:
    if not (name := args.name or args.workspace_name):
        args.parser.error("the following arguments are required: --name/-n")
    confirm(args, f"Delete workspace `{name}` and everything in it")
    with workspace(args) as ws:
        ws.workspaces.delete(name)
