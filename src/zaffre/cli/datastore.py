"""`zaffre datastore ...`"""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from zaffre.cli.client import document, workspace
from zaffre.cli.parser import Verbs
from zaffre.cli.resources import add_shared

COLUMNS = ("name", "type", "description", "path", "account_name", "container_name")


def add(verbs: Verbs) -> None:
    create = verbs.add("create", _create, "Create or replace a datastore", """
        zaffre datastore create -f lake.yml
        zaffre datastore create -f lake.yml --set credentials.account_key="$KEY"
        """, columns=COLUMNS)  # fmt: skip
    create.add_file("datastore", required=True)
    create.add_name("datastore", required=False)
    add_shared(verbs, "lake", COLUMNS)


def _create(args: Namespace) -> Any:
    with workspace(args) as ws:
        return ws.datastores.create_or_update(document(args, "datastore", name=args.name))
