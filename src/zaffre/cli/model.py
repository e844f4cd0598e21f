"""`zaffre model ...`"""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from zaffre.cli import model_files, model_life
from zaffre.cli.assets import COLUMNS, add_create, add_download, add_shared, common_fields, download_files
from zaffre.cli.client import document, local_path, workspace
from zaffre.cli.parser import Verbs


def add(verbs: Verbs) -> None:
    create = verbs.add("create", _create, "Register a version of a model", """
        zaffre model create -f model.yml
        zaffre model create -n risk --path model.onnx
        zaffre model create -n risk --type mlflow_model --path azureml://jobs/JOB/outputs/model
        """, columns=COLUMNS)  # fmt: skip
    add_create(create, "model")
    create.add_argument("--path", "-p", metavar="PATH", help="file, folder, output of a job, or address")
    create.add_argument("--type", "-t", metavar="TYPE", help="custom_model (default), mlflow_model or triton_model")
    create.add_argument("--stage", "-s", metavar="STAGE", help="stage, such as Production")
    create.add_argument("--datastore", metavar="NAME", help="accepted; files go to the content store")
    add_shared(verbs, "risk")
    add_download(verbs, download_files, "risk")
    model_files.add(verbs)
    model_life.add(verbs)


def _create(args: Namespace) -> Any:
    fields = {"path": local_path(args.path), "type": args.type, "stage": args.stage}
    with workspace(args) as ws:
        return ws.models.create_or_update(document(args, "model", **common_fields(args), **fields))
