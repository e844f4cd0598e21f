"""`zaffre data ...`"""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path
from typing import Any

from zaffre.base import errors
from zaffre.cli.assets import COLUMNS, add_create, add_download, add_shared, common_fields, download_files
from zaffre.cli.client import document, local_path, workspace
from zaffre.cli.parser import Verbs


def add(verbs: Verbs) -> None:
    create = verbs.add("create", _create, "Create a version of a data asset", """
        zaffre data create -f data.yml
        zaffre data create -n patients --path patients.csv
        zaffre data create -n images --path /mnt/images --by-reference
        zaffre data create -n taxi --path https://example.org/taxi.parquet
        """, columns=COLUMNS)  # fmt: skip
    add_create(create, "data asset")
    create.add_argument("--path", "-p", metavar="PATH", help="file, folder or address")
    create.add_argument("--type", "-t", metavar="TYPE", help="uri_file, uri_folder or mltable (default: what it is)")
    create.add_argument("--by-reference", action="store_true", help="leave a local path where it is: only its "
                        "fingerprint is taken, and a change is noticed")  # fmt: skip
    create.add_argument("--skip-validation", action="store_true", help="accepted; MLTable files are read when used")
    add_shared(verbs, "patients")
    diff = verbs.add("diff", _diff, "Compare two versions: files, sizes, rows, columns", """
        zaffre data diff -n patients --base 1 --other 2
        """, columns=("change", "path", "size", "former_size", "rows", "former_rows", "former_path"))  # fmt: skip
    diff.add_name("data asset")
    diff.add_argument("--base", required=True, metavar="V", help="the earlier version")
    diff.add_argument("--other", required=True, metavar="V", help="the later version")
    check = verbs.add("check", _check, "Has the source changed behind a version?", "zaffre data check -n images")
    check.add_name("data asset")
    check.add_version()
    add_download(verbs, download_files, "patients")


def _create(args: Namespace) -> Any:
    path = local_path(args.path)
    kind = args.type
    if kind is None and path is not None and args.file is None:
        kind = _kind(path)
    asset = document(args, "data", **common_fields(args), path=path, type=kind)
    if args.by_reference:
        _check_reference(asset)
    with workspace(args) as ws:
        return ws.data.create_or_update(asset, by_reference=args.by_reference)


def _kind(path: str) -> str:
    if os.path.exists(path):
        folder = Path(path)
        if (folder / "MLTable").is_file():
            return "mltable"
        return "uri_folder" if folder.is_dir() else "uri_file"
    return "uri_file" if Path(path).suffix else "uri_folder"


def _check_reference(asset: Any) -> None:
    path = str(asset.spec.path)
    if not path.startswith("/"):
        raise errors.InvalidRequest(
            f"--by-reference is for local paths; `{path}` is one already", code="InvalidCommand"
        )
    if os.environ.get("ZAFFRE_URL"):
        raise errors.InvalidRequest("--by-reference needs a server on this machine", code="InvalidCommand")


def _diff(args: Namespace) -> Any:
    with workspace(args) as ws:
        view = ws.data.diff(args.name, args.base, args.other)
    return view.files if args.output == "table" and not args.query else view


def _check(args: Namespace) -> Any:
    with workspace(args) as ws:
        return ws.data.check(args.name, args.version, args.label)
