"""`zaffre up`, `zaffre down`, `zaffre status`"""

from __future__ import annotations

import re
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from zaffre.base import errors
from zaffre.base.home import Home, default_home
from zaffre.cli.client import note
from zaffre.cli.parser import Verbs

EXAMPLES = {
    "up": """
        zaffre up
        zaffre up --home /srv/zaffre --port 8787 --detach
        zaffre up --url-rewrite https://example.org/data/=file:///srv/mirror/
        """,
    "down": """
        zaffre down
        zaffre down --endpoints
        """,
    "status": "zaffre status -o json",
}


def add(verbs: Verbs, word: str, summary: str) -> None:
    parser = verbs.add(word, {"up": _up, "down": _down, "status": _status}[word], summary, EXAMPLES[word])
    if word == "down":
        parser.add_argument("--endpoints", action="store_true",
                            help="online endpoints end too; the next `zaffre up` starts them again")  # fmt: skip
    if word == "up":
        parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="where to listen (127.0.0.1)")
        parser.add_argument("--port", type=int, default=0, metavar="N", help="port (0: any that is free)")
        parser.add_argument("--allow-remote", action="store_true", help="listen beyond loopback, without TLS")
        parser.add_argument("--allow-host", nargs="+", action="extend", default=[], metavar="NAME",
                            help="names by which clients may reach it")  # fmt: skip
        parser.add_argument("--allow-private-addresses", action="store_true",
                            help="data may be fetched from loopback and private networks")  # fmt: skip
        parser.add_argument("--scoring-port", type=int, default=0, metavar="N",
                            help="port of online endpoints (0: the one they had, else any that is free)")  # fmt: skip
        parser.add_argument("--registry", nargs="+", action="extend", default=[], metavar="HOST",
                            help="images of containers may be pulled from there, such as docker.io")  # fmt: skip
        parser.add_argument(
            "--take-over",
            action="store_true",
            help="a PostgreSQL database that belongs to another home, which is gone, becomes this one's",
        )
        parser.add_argument("--detach", action="store_true", help="in the background; returns when it answers")
        parser.add_argument("--url-rewrite", nargs="+", action="extend", default=[], metavar="PREFIX=TARGET",
                            help="read addresses that begin with PREFIX from TARGET instead")  # fmt: skip


def _home(args: Namespace) -> Home:
    return Home(Path(args.home or default_home()).expanduser().absolute())


def _up(args: Namespace) -> Any:
    rewrites = dict(_rewrite(item) for item in args.url_rewrite)
    home = _home(args)
    if args.detach:
        return _detached(args, home)
    from zaffre.app.server import serve

    serve(
        home.root,
        host=args.host,
        port=args.port,
        rewrites=rewrites,
        allow_remote=args.allow_remote,
        allow_hosts=args.allow_host,
        allow_private_addresses=args.allow_private_addresses,
        scoring_port=args.scoring_port,
        registries=args.registry,
        take_over=args.take_over,
    )
    return None


def _detached(args: Namespace, home: Home) -> Any:
    from zaffre.sdk.connect import launch, read, running

    if found := running(home):
        note(args, f"a server runs for {home.root} already; its flags stay")
    else:
        flags = ["--host", args.host, "--port", str(args.port), "--scoring-port", str(args.scoring_port)]
        flags += [word for item in args.url_rewrite for word in ("--url-rewrite", item)]
        flags += [word for item in args.allow_host for word in ("--allow-host", item)]
        flags += [word for item in args.registry for word in ("--registry", item)]
        flags += ["--allow-remote"] if args.allow_remote else []
        flags += ["--allow-private-addresses"] if args.allow_private_addresses else []
        flags += ["--take-over"] if args.take_over else []
        launch(home, flags)
        found = None
    address = found[0] if found else read(home)
    assert address is not None
    return {"url": address.url, "home": str(home.root), "pid": address.pid}


def _down(args: Namespace) -> Any:
    from zaffre.engine.serving.down import down, serves
    from zaffre.sdk.connect import stop

    home = _home(args)
    note(args, f"stopped; jobs go on (home {home.root})" if stop(home) else f"no server runs for the home {home.root}")
    if args.endpoints:
        note(args, f"online endpoints ended, with {down(home.serving)} workers; `zaffre up` starts them again")
    elif serves(home.serving):
        note(args, "online endpoints go on serving; `zaffre down --endpoints` ends them too")


def _status(args: Namespace) -> Any:
    from zaffre.sdk.connect import connect
    from zaffre.wire import server

    _, transport = connect(Path(args.home) if args.home else None, start=False)
    view = transport.call(server.STATUS, server.Ask())
    if args.output is None and not args.query and sys.stdout.isatty():
        print(f"Zaffre {view.version} at {view.url}, process {view.pid}, since {view.started_at}")
        print(f"home {view.home}, database {view.database}, living jobs: {view.living_jobs}")
        return None
    return view


def _rewrite(item: str) -> tuple[str, str]:
    """The target begins after the first `=` that an address or an absolute path follows: a prefix may hold `=` too."""
    found = re.match(r"(.+?)=((?:[a-z][a-z0-9+.-]*://|/).*)$", item)
    if found is None:
        raise errors.InvalidRequest(
            f"--url-rewrite {item}: it looks like PREFIX=TARGET",
            code="InvalidCommand",
            hint="--url-rewrite https://example.org/data/=file:///srv/mirror/",
        )
    return found[1], found[2]
