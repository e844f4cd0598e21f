"""`zaffre batch-endpoint ...`"""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

from zaffre.base import errors
from zaffre.cli.client import confirm, document, local_path, merge_patch, workspace
from zaffre.cli.job import COLUMNS as JOB_COLUMNS
from zaffre.cli.parser import Verbs, pairs

COLUMNS = ("name", "defaults", "provisioning_state", "description", "created_at")


def add(verbs: Verbs) -> None:
    create = verbs.add("create", _create, "Create an endpoint that scores files, or change it", """
        zaffre batch-endpoint create --name risk
        zaffre batch-endpoint create -f endpoint.yml
        """, columns=COLUMNS)  # fmt: skip
    create.add_file("endpoint")
    create.add_name("endpoint", required=False)
    create.add_argument("--description", metavar="TEXT", help="what it is for")

    verbs.add("list", _list, "List batch endpoints", "zaffre batch-endpoint list -o table", columns=COLUMNS)
    show = verbs.add("show", _show, "Show an endpoint", "zaffre batch-endpoint show --name risk", columns=COLUMNS)
    update = verbs.add("update", _update, "Change an endpoint, such as its default deployment", """
        zaffre batch-endpoint update --name risk --set defaults.deployment_name=forest
        """, columns=COLUMNS)  # fmt: skip
    update.add_set("what to change: defaults.deployment_name, description, tags.KEY")
    update.add_argument("--defaults", metavar="NAME", help="the deployment that is used when none is named")
    delete = verbs.add("delete", _delete, "Delete an endpoint and its deployments; its jobs stay", """
        zaffre batch-endpoint delete --name risk --yes
        """)  # fmt: skip
    invoke = verbs.add("invoke", _invoke, "Start a job over data", """
        zaffre batch-endpoint invoke --name risk --input ./patients
        zaffre batch-endpoint invoke --name risk --input azureml:patients@latest --deployment-name forest --stream
        zaffre batch-endpoint invoke --name risk --input ./new --mini-batch-size 20 --set output_file_name=today.csv
        zaffre batch-endpoint invoke --name pipeline --inputs data=./patients threshold=0.5
        """, columns=JOB_COLUMNS)  # fmt: skip
    listing = verbs.add("list-jobs", _list_jobs, "List the jobs that were started through an endpoint", """
        zaffre batch-endpoint list-jobs --name risk
        """, columns=JOB_COLUMNS)  # fmt: skip
    listing.add_argument("--max-results", "-r", type=int, metavar="N", help="at most so many")
    for one in (show, update, delete, invoke, listing):
        one.add_name("endpoint")

    invoke.add_argument("--deployment-name", "-d", metavar="NAME", help="deployment (default: that of the endpoint)")
    invoke.add_argument(
        "--input", "-i", metavar="PATH", help="local path, azureml:NAME:VERSION, azureml://..., https://..."
    )
    invoke.add_argument("--input-type", metavar="TYPE", help="uri_file, uri_folder or mltable")
    invoke.add_argument("--inputs", nargs="+", action="extend", default=[], metavar="NAME=VALUE",
                        help="inputs of a pipeline: values or paths")  # fmt: skip
    invoke.add_argument("--file", "-f", metavar="FILE", help="YAML with `inputs` and `outputs`")
    invoke.add_argument("--outputs", nargs="+", action="extend", default=[], metavar="NAME=ADDRESS",
                        help="where outputs go")  # fmt: skip
    invoke.add_argument("--output-path", metavar="ADDRESS", help="where the one output goes")
    invoke.add_argument("--mini-batch-size", "-m", metavar="N", help="files, or bytes such as 10mb, of a mini-batch")
    invoke.add_argument("--instance-count", "-c", type=int, metavar="N", help="nodes, each with its workers")
    invoke.add_argument("--job-name", "-j", metavar="NAME", help="name of the job (default: one is made)")
    invoke.add_argument("--experiment-name", "-e", metavar="NAME", help="experiment (default: the endpoint)")
    invoke.add_set("settings for this job: output_file_name, error_threshold, logging_level ...")
    invoke.add_argument("--stream", "-s", action="store_true", help="show progress; exit status 1 if it fails")


def _create(args: Namespace) -> Any:
    with workspace(args) as ws:
        given = document(args, "batch-endpoint", name=args.name, description=args.description)
        return ws.batch_endpoints.create_or_update(given)


def _list(args: Namespace) -> Any:
    with workspace(args) as ws:
        return list(ws.batch_endpoints.list())


def _show(args: Namespace) -> Any:
    with workspace(args) as ws:
        return ws.batch_endpoints.get(args.name)


def _update(args: Namespace) -> Any:
    patch = merge_patch(pairs(args.set, "--set"))
    if args.defaults:
        patch["defaults"] = {"deployment_name": args.defaults.removeprefix("deployment_name=")}
    if not patch:
        raise errors.InvalidRequest("say what to change", code="InvalidCommand", hint="--set PATH=VALUE")
    with workspace(args) as ws:
        return ws.batch_endpoints.update(args.name, patch)


def _delete(args: Namespace) -> None:
    confirm(args, f"Delete batch endpoint `{args.name}` with its deployments")
    with workspace(args) as ws:
        ws.batch_endpoints.delete(args.name)


def _invoke(args: Namespace) -> Any:
    from_file = _file(args.file) if args.file else {}
    settings = _settings(args)
    path = local_path(args.input)
    data = None
    if path is not None:
        data = {"path": path, **({"type": args.input_type} if args.input_type else {})}
    with workspace(args) as ws:
        job = ws.batch_endpoints.invoke(
            args.name,
            deployment_name=args.deployment_name,
            input=data,
            inputs={**(from_file.get("inputs") or {}), **pairs(args.inputs, "--inputs")},
            outputs={
                **(from_file.get("outputs") or {}),
                **pairs(args.outputs, "--outputs"),
                **settings.pop("outputs", {}),
            },
            output_path=args.output_path,
            job_name=args.job_name,
            experiment_name=args.experiment_name,
            **settings,
        )
        if args.stream:
            from zaffre.cli.streaming import streamed

            return streamed(args, ws, job)
        return job


def _settings(args: Namespace) -> dict[str, Any]:
    found = merge_patch(pairs(args.set, "--set"))
    found |= found.pop("settings", {})
    if args.mini_batch_size is not None:
        found["mini_batch_size"] = args.mini_batch_size
    if args.instance_count is not None:
        found["instance_count"] = args.instance_count
    return found


def _file(name: str) -> dict[str, Any]:
    """Paths in a file of inputs start at its folder."""
    from pathlib import Path

    from zaffre.spec import yaml

    path = Path(name)
    if not path.is_file():
        raise errors.NotFound(f"there is no file {name}", code="MissingFile")
    content = yaml.parse(yaml.read(path), name)
    if not isinstance(content, dict) or set(content) - {"inputs", "outputs", "$schema"}:
        raise errors.InvalidRequest(
            f"{name}: a file of an invocation has `inputs` and `outputs`", code="InvalidCommand"
        )
    found = json.loads(json.dumps(content))
    for value in (found.get("inputs") or {}).values():
        if isinstance(value, dict) and isinstance(value.get("path"), str):
            given = value["path"]
            if "://" not in given and not given.startswith("azureml:"):
                value["path"] = str(path.resolve().parent / given)
    return dict(found)


def _list_jobs(args: Namespace) -> Any:
    with workspace(args) as ws:
        return list(ws.batch_endpoints.list_jobs(args.name, max_results=args.max_results or 100))
