"""`zaffre environment ...`"""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from zaffre.cli.assets import COLUMNS, add_create, add_shared, common_fields
from zaffre.cli.client import document, local_path, workspace
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


def _create(args: Namespace) -> Any:
    build: dict[str, Any] | None = {"path": local_path(args.build_context)} if args.build_context else None
    if build and args.dockerfile_path:
        build["dockerfile_path"] = args.dockerfile_path
    fields = {"image": args.image, "conda_file": local_path(args.conda_file), "build": build}
    with workspace(args) as ws:
        return ws.environments.create_or_update(document(args, "environment", **common_fields(args), **fields))
