"""`zaffre demo`"""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from zaffre.cli.parser import Verbs


def add(verbs: Verbs, word: str, summary: str) -> None:
    parser = verbs.add(word, _demo, summary, "zaffre demo\nzaffre demo my-folder")
    parser.add_argument("folder", nargs="?", metavar="DIR", help="where the project is written (default: a new folder)")


def _demo(args: Namespace) -> Any:
    from zaffre.app.demo import run

    return run(args.folder, home=args.home)
