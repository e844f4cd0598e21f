"""`zaffre online-endpoint ...`"""

from __future__ import annotations

import re
from argparse import Namespace
from typing import Any

from zaffre.base import errors
from zaffre.cli.client import confirm, document, merge_patch, note, workspace
from zaffre.cli.parser import Parser, Verbs, pairs

COLUMNS = ("name", "provisioning_state", "traffic", "scoring_uri", "auth_mode", "message")
LOCAL = "accepted: every endpoint is on this machine"
AUTH = ("key", "aml_token", "aad_token")


def add(verbs: Verbs) -> None:
    create = verbs.add("create", _create, "Create an online endpoint", """
        zaffre online-endpoint create --name risk
        zaffre online-endpoint create -f endpoint.yml
        """, columns=COLUMNS)  # fmt: skip
    create.add_file("endpoint")
    create.add_argument("--name", "-n", metavar="NAME", help="name of the endpoint")
    create.add_argument("--auth-mode", metavar="MODE", help="key (default), aml_token or aad_token")
    _local(create)
    show = verbs.add("show", _show, "Show an endpoint, or how to call it", """
        zaffre online-endpoint show --name risk
        zaffre online-endpoint show --name risk --snippet curl
        """, columns=COLUMNS)  # fmt: skip
    show.add_argument("--snippet", choices=("curl", "python", "javascript"), metavar="LANGUAGE",
                      help="print a call of the endpoint instead: curl, python or javascript")  # fmt: skip
    verbs.add("list", _list, "List online endpoints", "zaffre online-endpoint list -o table", columns=COLUMNS)
    update = verbs.add("update", _update, "Change traffic, tags or description of an endpoint", """
        zaffre online-endpoint update --name risk --traffic "blue=90 green=10"
        zaffre online-endpoint update --name risk --mirror-traffic "green=10"
        """, columns=COLUMNS)  # fmt: skip
    update.add_argument("--file", "-f", metavar="FILE", help="YAML file of the endpoint")
    update.add_set("what to change")
    update.add_argument("--traffic", "-r", nargs="+", metavar="NAME=PERCENT", help="shares of the requests")
    update.add_argument("--mirror-traffic", nargs="+", metavar="NAME=PERCENT", help="copies of requests")
    invoke = verbs.add("invoke", _invoke, "Score once", """
        zaffre online-endpoint invoke --name risk --request-file request.json
        zaffre online-endpoint invoke --name risk --request-file request.json --deployment-name green
        """)  # fmt: skip
    invoke.add_argument("--request-file", "-r", metavar="FILE", required=True, help="the body of the request")
    invoke.add_argument("--deployment-name", "-d", metavar="NAME", help="ask this deployment, whatever the traffic")
    invoke.add_argument("--content-type", metavar="TYPE", help="accepted: the body is JSON")
    credentials = verbs.add("get-credentials", _credentials, "Show the keys of an endpoint, or a token", """
        zaffre online-endpoint get-credentials --name risk --query primaryKey -o tsv
        """)  # fmt: skip
    regenerate = verbs.add("regenerate-keys", _regenerate, "Replace a key; the other stays valid", """
        zaffre online-endpoint regenerate-keys --name risk --key-type secondary
        """)  # fmt: skip
    regenerate.add_argument("--key-type", default="primary", metavar="WHICH", help="primary (default) or secondary")
    stop = verbs.add("stop", _stop, "Stop an endpoint and its workers", "zaffre online-endpoint stop --name risk",
                     columns=COLUMNS)  # fmt: skip
    start = verbs.add("start", _start, "Start a stopped endpoint", "zaffre online-endpoint start --name risk",
                      columns=COLUMNS)  # fmt: skip
    rollback = verbs.add("rollback", _rollback, "Take back the last change of traffic or of a deployment",
                         "zaffre online-endpoint rollback --name risk", columns=COLUMNS)  # fmt: skip
    history = verbs.add("history", _history, "List what was changed, newest first",
                        "zaffre online-endpoint history --name risk -o table",
                        columns=("at", "verb", "deployment", "reason", "changed_by"))  # fmt: skip
    delete = verbs.add("delete", _delete, "Delete an endpoint with its deployments",
                       "zaffre online-endpoint delete --name risk --yes")  # fmt: skip
    for one in (show, update, invoke, credentials, regenerate, stop, start, rollback, history, delete):
        one.add_name("endpoint")
        _local(one)


def _local(parser: Parser) -> None:
    parser.add_argument("--local", action="store_true", help=LOCAL)


def _create(args: Namespace) -> Any:
    with workspace(args) as ws:
        spec = document(args, "online-endpoint", name=args.name, auth_mode=args.auth_mode)
        return ws.online_endpoints.create_or_update(spec)


def _show(args: Namespace) -> Any:
    with workspace(args) as ws:
        view = ws.online_endpoints.get(args.name)
        if not args.snippet:
            return view
        from zaffre.cli.snippets import snippet

        return snippet(args.snippet, str(view.scoring_uri), args.name, ws.name)


def _list(args: Namespace) -> Any:
    with workspace(args) as ws:
        return list(ws.online_endpoints.list())


def _update(args: Namespace) -> Any:
    changes = merge_patch(pairs(args.set, "--set"))
    if args.file:
        from zaffre.sdk import documents

        loaded = documents.as_spec(documents.load(args.file, kind="online-endpoint"), {}, "online-endpoint")
        changes = {key: value for key, value in loaded.items() if key not in ("$schema", "name")} | changes
    with workspace(args) as ws:
        for flag, field in ((args.traffic, "traffic"), (args.mirror_traffic, "mirror_traffic")):
            if flag is not None:
                former = dict(getattr(ws.online_endpoints.get(args.name), field, None) or {})
                changes[field] = former | shares(flag, field)
        return ws.online_endpoints.update(args.name, changes)


def shares(words: list[str], flag: str) -> dict[str, int]:
    """`blue=90 green=10`, as one word or several, also with commas. Those that are not named keep their share."""
    found = {}
    for item in re.split(r"[\s,]+", " ".join(words).strip().strip("\"'")):
        name, equals, percent = item.partition("=")
        if not equals or not percent.isdigit():
            raise errors.InvalidRequest(
                f"--{flag.replace('_', '-')} {item}: a share looks like blue=90", code="InvalidCommand"
            )
        found[name] = int(percent)
    return found


def _invoke(args: Namespace) -> Any:
    with workspace(args) as ws:
        text = ws.online_endpoints.invoke(
            args.name, request_file=args.request_file, deployment_name=args.deployment_name
        )
    if args.query or args.output not in (None, "json"):
        import json

        return json.loads(text)
    print(text)
    return None


def _credentials(args: Namespace) -> Any:
    with workspace(args) as ws:
        return ws.online_endpoints.get_keys(args.name).model_dump(exclude_none=True)


def _regenerate(args: Namespace) -> Any:
    kind = args.key_type.lower()
    if kind not in ("primary", "secondary"):
        raise errors.InvalidRequest(f"--key-type {args.key_type}: primary or secondary", code="InvalidCommand")
    with workspace(args) as ws:
        return ws.online_endpoints.regenerate_keys(args.name, kind).model_dump(exclude_none=True)


def _stop(args: Namespace) -> Any:
    with workspace(args) as ws:
        return ws.online_endpoints.stop(args.name)


def _start(args: Namespace) -> Any:
    with workspace(args) as ws:
        return ws.online_endpoints.start(args.name)


def _rollback(args: Namespace) -> Any:
    with workspace(args) as ws:
        return ws.online_endpoints.rollback(args.name)


def _history(args: Namespace) -> Any:
    with workspace(args) as ws:
        return list(ws.online_endpoints.history(args.name))


def _delete(args: Namespace) -> None:
    confirm(args, f"Delete endpoint `{args.name}` with its deployments")
    with workspace(args) as ws:
        ws.online_endpoints.delete(args.name)
        note(args, f"endpoint `{args.name}` is gone")
