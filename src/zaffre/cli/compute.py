"""`zaffre compute ...`"""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from zaffre.cli.client import document, workspace
from zaffre.cli.parser import Parser, Verbs
from zaffre.cli.resources import add_shared

COLUMNS = ("name", "type", "state", "size", "min_instances", "max_instances", "description")
OWN = ("min_instances", "max_instances", "size", "idle_time_before_scale_down", "tier", "description")


def add(verbs: Verbs) -> None:
    create = verbs.add("create", _create, "Create or replace a compute", """
        zaffre compute create -n cpu-cluster --type amlcompute --min-instances 0 --max-instances 4
        zaffre compute create -f cluster.yml
        """, columns=COLUMNS)  # fmt: skip
    create.add_file("compute")
    create.add_name("compute", required=False)
    create.add_argument("--type", "-t", metavar="TYPE", help="amlcompute, computeinstance or local")
    _own_flags(create)
    create.add_argument("--location", "-l", metavar="PLACE", help="accepted")
    for flag in ("--user", "--admin-username", "--admin-password", "--ssh-key-value", "--vnet-name", "--subnet"):
        create.add_argument(flag, metavar="X", help="accepted; has no meaning here")
    update = add_shared(verbs, "cpu-cluster", COLUMNS)
    _own_flags(update)
    update.set_defaults(own=OWN)


def _own_flags(parser: Parser) -> None:
    parser.add_argument("--min-instances", type=int, metavar="N", help="nodes that are always there")
    parser.add_argument("--max-instances", type=int, metavar="N", help="nodes at most; each is a slot for a job")
    parser.add_argument("--size", "-s", metavar="SIZE", help="size of a node, such as Standard_DS3_v2")
    parser.add_argument(
        "--idle-time-before-scale-down", type=int, metavar="SECONDS", help="seconds until idle nodes go"
    )
    parser.add_argument("--tier", metavar="TIER", help="dedicated or low_priority")
    parser.add_argument("--description", metavar="TEXT", help="what it is for")
    parser.add_argument("--identity-type", "-i", metavar="TYPE", help="accepted; there are no managed identities here")
    parser.add_argument("--user-assigned-identities", metavar="IDS", help="accepted; has no meaning here")


def _create(args: Namespace) -> Any:
    flags = {key: getattr(args, key) for key in OWN}
    with workspace(args) as ws:
        return ws.computes.create_or_update(document(args, "compute", name=args.name, type=args.type, **flags))
