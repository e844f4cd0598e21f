"""The life of a model after it was registered: approval, aliases, promotion, history."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from zaffre.base import errors
from zaffre.cli.client import note, workspace
from zaffre.cli.parser import Parser, Verbs

APPROVAL = ("name", "version", "state", "actor", "reason", "changed_at")
HISTORY = ("at", "actor", "action", "version", "reason", "after")


def add(verbs: Verbs) -> None:
    for verb, run, summary, reason in (
        ("request-approval", _request, "Ask for the approval of a version", "trained on the data of May"),
        ("approve", _approve, "Approve a version", "checked by hand on 50 cases"),
        ("reject", _reject, "Reject a version: it is never promoted then", "fails for new customers"),
    ):
        one = verbs.add(verb, run, summary, f"""
            zaffre model {verb} risk:3 --reason "{reason}"
            """, columns=APPROVAL)  # fmt: skip
        add_named(one)
        one.add_argument("--reason", metavar="TEXT", required=verb == "reject", help="why; it is remembered")

    promote = verbs.add("promote", _promote, "Move an alias if the version is better on the same held-out data", """
        zaffre model promote risk --version 3 --metric auc --data held-out:1
        zaffre model promote risk:4                    # by the rule that the alias has since then
        zaffre model promote risk:4 --dry-run          # only say what would happen
        zaffre model promote cost:2 --metric rmse --goal minimize --min-delta 0.5 --data held-out:1
        """)  # fmt: skip
    add_named(promote)
    promote.add_argument("--alias", metavar="ALIAS", default="champion", help="alias to move (default: champion)")
    promote.add_argument("--metric", metavar="NAME", help="metric that decides")
    promote.add_argument(
        "--goal", choices=("maximize", "minimize"), metavar="GOAL", help="maximize (default), minimize"
    )
    promote.add_argument("--data", metavar="NAME:VERSION", help="held-out data that both were measured on")
    promote.add_argument("--min-delta", type=float, metavar="X", help="how much better it must be, more than this")
    promote.add_argument("--require-approval", action="store_true", default=None, help="only approved versions")
    promote.add_argument("--reason", metavar="TEXT", help="a word of yours to the history")
    promote.add_argument("--dry-run", action="store_true", help="change nothing")

    alias = verbs.add("alias", _alias, "Point an alias to a version, or take it away", """
        zaffre model alias set risk:3 --alias shadow
        zaffre model alias delete risk --alias shadow
        zaffre model alias set risk:2 --alias champion --force --reason "3 is too slow"
        """)  # fmt: skip
    alias.add_argument("act", choices=("set", "delete"), metavar="set|delete", help="what to do")
    add_named(alias)
    alias.add_argument("--alias", metavar="ALIAS", required=True, help="the alias")
    alias.add_argument("--force", action="store_true", help="also one that has a promotion rule; needs --reason")
    alias.add_argument("--reason", metavar="TEXT", help="why; it is remembered")

    history = verbs.add("history", _history, "Show who did what to a model, when and why; newest first", """
        zaffre model history risk
        zaffre model history risk:3
        """, columns=HISTORY)  # fmt: skip
    add_named(history)
    history.add_argument("--max-results", "-r", type=int, default=100, metavar="N", help="at most so many")


def add_named(parser: Parser) -> None:
    parser.add_argument("model", nargs="?", metavar="NAME[:VERSION]", help="the model")
    parser.add_argument("--name", "-n", metavar="NAME", help="the same as a flag")
    parser.add_argument("--version", "-v", metavar="V", help="version (default: the latest)")


def named(args: Namespace) -> tuple[str, str | None]:
    """`risk:3`, or `--name risk --version 3`. Raises `InvalidRequest` when there is no name, or two versions."""
    name, _, version = (args.model or "").removeprefix("azureml:").partition(":")
    if name and args.name and args.name != name:
        raise errors.InvalidRequest(f"is it `{name}` or `{args.name}`?", code="InvalidCommand")
    if version and args.version and args.version != version:
        raise errors.InvalidRequest(f"is it version {version} or {args.version}?", code="InvalidCommand")
    if not (name := name or args.name or ""):
        raise errors.InvalidRequest("which model?", code="InvalidCommand", hint=f"`{args.parser.prog} risk:3`")
    return name, version or args.version


def _request(args: Namespace) -> Any:
    name, version = named(args)
    with workspace(args) as ws:
        return ws.models.request_approval(name, version, reason=args.reason)


def _approve(args: Namespace) -> Any:
    name, version = named(args)
    with workspace(args) as ws:
        return ws.models.approve(name, version, reason=args.reason)


def _reject(args: Namespace) -> Any:
    name, version = named(args)
    with workspace(args) as ws:
        return ws.models.reject(name, version, reason=args.reason)


def _promote(args: Namespace) -> Any:
    name, version = named(args)
    with workspace(args) as ws:
        found = ws.models.promote(
            name, version, alias=args.alias, metric=args.metric, goal=args.goal, data=args.data,
            min_delta=args.min_delta, require_approval=args.require_approval, reason=args.reason, dry_run=args.dry_run,
        )  # fmt: skip
    what = (
        "would move" if args.dry_run and found.outcome in ("First", "Better") else "moved" if found.moved else "stays"
    )
    note(args, f"{found.alias} of {name} {what}: {found.reason}")
    return found


def _alias(args: Namespace) -> Any:
    name, version = named(args)
    with workspace(args) as ws:
        if args.act == "delete":
            return ws.models.delete_alias(name, args.alias, reason=args.reason, force=args.force)
        if version is None:
            raise errors.InvalidRequest(f"which version of {name}?", code="InvalidCommand", hint=f"`{name}:3`")
        return ws.models.set_alias(name, args.alias, version, reason=args.reason, force=args.force)


def _history(args: Namespace) -> Any:
    name, version = named(args)
    with workspace(args) as ws:
        return list(ws.models.history(name, version, max_results=args.max_results))
