"""`zaffre batch-deployment ...`"""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from zaffre.base import errors
from zaffre.cli.client import confirm, document, merge_patch, workspace
from zaffre.cli.job import COLUMNS as JOB_COLUMNS
from zaffre.cli.parser import Parser, Verbs, pairs

COLUMNS = ("name", "endpoint_name", "type", "model", "provisioning_state", "created_at")


def add(verbs: Verbs) -> None:
    create = verbs.add("create", _create, "Create a deployment of a model or a pipeline, or replace it", """
        zaffre batch-deployment create -f deployment.yml --endpoint-name risk --set-default
        zaffre batch-deployment create -f deployment.yml --set model=azureml:risk@latest settings.mini_batch_size=20
        """, columns=COLUMNS)  # fmt: skip
    create.add_file("deployment", required=True)
    create.add_name("deployment", required=False)
    _endpoint(create, required=False)
    create.add_argument("--set-default", action="store_true", help="invocations use it when they name none")
    create.add_argument("--skip-script-validation", action="store_true", help="accepted; scripts are not run for this")

    listing = verbs.add("list", _list, "List the deployments of an endpoint", """
        zaffre batch-deployment list --endpoint-name risk
        """, columns=COLUMNS)  # fmt: skip
    show = verbs.add("show", _show, "Show a deployment", """
        zaffre batch-deployment show --name forest --endpoint-name risk
        """, columns=COLUMNS)  # fmt: skip
    update = verbs.add("update", _update, "Change a deployment; jobs that run are left alone", """
        zaffre batch-deployment update -n forest -e risk --set settings.mini_batch_size=50
        """, columns=COLUMNS)  # fmt: skip
    update.add_set("what to change: settings.mini_batch_size, model, resources.instance_count ...")
    delete = verbs.add("delete", _delete, "Delete a deployment; its jobs stay", """
        zaffre batch-deployment delete --name forest --endpoint-name risk --yes
        """)  # fmt: skip
    jobs = verbs.add("list-jobs", _list_jobs, "List the jobs of a deployment, newest first", """
        zaffre batch-deployment list-jobs --name forest --endpoint-name risk --query '[].name' -o tsv
        """, columns=JOB_COLUMNS)  # fmt: skip
    jobs.add_argument("--max-results", "-r", type=int, metavar="N", help="at most so many")
    for one in (show, update, delete, jobs):
        one.add_name("deployment")
    for one in (listing, show, update, delete, jobs):
        _endpoint(one)


def _endpoint(parser: Parser, *, required: bool = True) -> None:
    parser.add_argument("--endpoint-name", "-e", metavar="NAME", required=required, help="name of the endpoint")


def _create(args: Namespace) -> Any:
    with workspace(args) as ws:
        given = document(args, "batch-deployment", name=args.name, endpoint_name=args.endpoint_name)
        return ws.batch_deployments.create_or_update(given, set_default=args.set_default)


def _list(args: Namespace) -> Any:
    with workspace(args) as ws:
        return list(ws.batch_deployments.list(args.endpoint_name))


def _show(args: Namespace) -> Any:
    with workspace(args) as ws:
        return ws.batch_deployments.get(args.name, args.endpoint_name)


def _update(args: Namespace) -> Any:
    patch = merge_patch(pairs(args.set, "--set"))
    if not patch:
        raise errors.InvalidRequest("say what to change", code="InvalidCommand", hint="--set PATH=VALUE")
    with workspace(args) as ws:
        return ws.batch_deployments.update(args.name, args.endpoint_name, patch)


def _delete(args: Namespace) -> None:
    confirm(args, f"Delete deployment `{args.name}` of batch endpoint `{args.endpoint_name}`")
    with workspace(args) as ws:
        ws.batch_deployments.delete(args.name, args.endpoint_name)


def _list_jobs(args: Namespace) -> Any:
    with workspace(args) as ws:
        return list(ws.batch_endpoints.list_jobs(args.endpoint_name, args.name, max_results=args.max_results or 100))
