"""`zaffre environment ...`"""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from typing import Any

from zaffre.cli.assets import COLUMNS, add_create, add_shared, common_fields
from zaffre.cli.client import document, local_path, note, workspace
from zaffre.cli.parser import Verbs


def add(verbs: Verbs) -> None:
    create = verbs.add("create", _create, "Create a version of an environment", """
        zaffre environment create -f environment.yml
        zaffre environment create -n sklearn --image python:3.11 --conda-file conda.yml
        """, columns=COLUMNS)  # fmt: skip
    add_create(create, "environment")
    create.add_argument("--image", "-i", metavar="IMAGE", help="the image it begins with")
    create.add_argument("--conda-file", "-c", metavar="FILE", help="conda file with packages")
    create.add_argument("--build-context", "-b", metavar="DIR", help="folder with a Dockerfile")
    create.add_argument("--dockerfile-path", "-d", metavar="FILE", help="Dockerfile in the build context")
    create.add_argument("--os-type", metavar="OS", help="accepted: linux")
    add_shared(verbs, "sklearn")
    log = verbs.add("show-build-log", _build_log, "Show what the build of an environment printed", """
        zaffre environment show-build-log --name sklearn --version 1
        zaffre environment show-build-log -n sklearn --follow
        """)  # fmt: skip
    log.add_name("environment")
    log.add_version()
    log.add_argument("--follow", action="store_true", help="go on until the build that is under way has ended")


def _create(args: Namespace) -> Any:
    build: dict[str, Any] | None = {"path": local_path(args.build_context)} if args.build_context else None
    if build and args.dockerfile_path:
        build["dockerfile_path"] = args.dockerfile_path
    fields = {"image": args.image, "conda_file": local_path(args.conda_file), "build": build}
    with workspace(args) as ws:
        return ws.environments.create_or_update(document(args, "environment", **common_fields(args), **fields))


FOLLOW_S = 0.3
WORDS = {
    "building": "is being built",
    "built": "is built",
    "failed": "was not built",
    "canceled": "was not built: the build was canceled",
    "absent": "is not built here: the first job that needs it builds it",
}


def _build_log(args: Namespace) -> None:
    with workspace(args) as ws:
        offset = 0
        while True:
            told = ws.environments.build_log(args.name, args.version, args.label, offset=offset)
            sys.stdout.write(told.text)
            sys.stdout.flush()
            if told.next_offset == offset and not (args.follow and told.state == "building"):
                break
            if told.next_offset == offset:
                time.sleep(FOLLOW_S)
            offset = told.next_offset
    note(args, f"{told.name}:{told.version} {WORDS[told.state]}")
