"""The verbs that datastores and computes share."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from zaffre.cli.client import confirm, merge_patch, workspace
from zaffre.cli.parser import Parser, Verbs, pairs

COLLECTIONS = {"datastore": "datastores", "compute": "computes"}


def collection(ws: Any, noun: str) -> Any:
    return getattr(ws, COLLECTIONS[noun])


def add_shared(verbs: Verbs, example: str, columns: Sequence[str]) -> Parser:
    """list, show, update, delete. Gives the parser of update."""
    noun = verbs.noun
    listing = verbs.add("list", _list, f"List {COLLECTIONS[noun]}", f"zaffre {noun} list -o table", columns=columns)
    listing.add_argument("--type", "-t", metavar="TYPE", help="only of this type")
    listing.add_argument("--max-results", "-r", type=int, metavar="N", help="at most so many")
    show = verbs.add("show", _show, f"Show a {noun}", f"zaffre {noun} show --name {example}", columns=columns)
    update = verbs.add("update", _update, f"Change a {noun}", f"""
        zaffre {noun} update --name {example} --set description="what it is"
        """, columns=columns)  # fmt: skip
    update.add_set("what to change")
    delete = verbs.add("delete", _delete, f"Delete a {noun}", f"zaffre {noun} delete --name {example} --yes")
    for one in (show, update, delete):
        one.add_name(noun)
    return update


def _list(args: Namespace) -> Any:
    with workspace(args) as ws:
        items = [item for item in collection(ws, args.noun).list() if args.type in (None, item.type)]
    return items[: args.max_results]


def _show(args: Namespace) -> Any:
    with workspace(args) as ws:
        return collection(ws, args.noun).get(args.name)


def _update(args: Namespace) -> Any:
    flags = {key: value for key in args.own if (value := getattr(args, key)) is not None} if "own" in args else {}
    patch = merge_patch(pairs(args.set, "--set")) | flags
    with workspace(args) as ws:
        return collection(ws, args.noun).update(args.name, patch)


def _delete(args: Namespace) -> None:
    confirm(args, f"Delete {args.noun} `{args.name}`")
    with workspace(args) as ws:
        collection(ws, args.noun).delete(args.name)
