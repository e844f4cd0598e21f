"""`zaffre lineage ...`"""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import Any

from zaffre.cli.assets import COLLECTIONS, collection
from zaffre.cli.client import workspace
from zaffre.cli.parser import Verbs


def add(verbs: Verbs) -> None:
    show = verbs.add("show", _show, "Show what made a version, and what used it", """
        zaffre lineage show --type data --name patients --version 3
        zaffre lineage show --type model --name risk
        """)  # fmt: skip
    show.add_argument("--type", "-t", choices=tuple(COLLECTIONS), required=True, metavar="NOUN",
                      help="data, environment, component or model")  # fmt: skip
    show.add_name("thing")
    show.add_version()


def _show(args: Namespace) -> Any:
    with workspace(args) as ws:
        view = collection(ws, args.type).lineage(args.name, args.version, args.label)
    if args.query or args.output not in (None, "table") or (args.output is None and not sys.stdout.isatty()):
        return view
    args.columns = ("relation", "job", "job_status", "port", "kind", "ref")
    return [
        {"relation": relation, **edge.model_dump(mode="json")}
        for relation, edges in (("made by", view.made_by), ("used by", view.used_by))
        for edge in edges
    ]
