"""`zaffre component ...`"""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from zaffre.cli.assets import COLUMNS, add_create, add_shared, common_fields
from zaffre.cli.client import document, workspace
from zaffre.cli.parser import Verbs


def add(verbs: Verbs) -> None:
    create = verbs.add("create", _create, "Create a version of a component", """
        zaffre component create -f train.yml
        zaffre component create -f train.yml --set version=3
        """, columns=COLUMNS)  # fmt: skip
    add_create(create, "component")
    create.add_argument("--skip-validation", action="store_true", help="accepted; files are always checked")
    add_shared(verbs, "train")


def _create(args: Namespace) -> Any:
    with workspace(args) as ws:
        return ws.components.create_or_update(document(args, "component", **common_fields(args)))
