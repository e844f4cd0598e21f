"""Endpoints of runs: their life, their search, and what they log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zaffre.core.permissions import Permission
from zaffre.mlflow import show
from zaffre.mlflow.endpoint import Call, Endpoint
from zaffre.mlflow.experiments import view
from zaffre.mlflow.json import integer, optional, required, rows, texts
from zaffre.services.tracking import log_inputs as inputs
from zaffre.services.tracking import update_run as change
from zaffre.services.tracking import values
from zaffre.services.tracking.create_run import create_run
from zaffre.services.tracking.get_run import get_run
from zaffre.services.tracking.log_batch import log_batch
from zaffre.services.tracking.search_runs import search_runs
from zaffre.services.tracking.set_tag import delete_tag, set_tag
from zaffre.services.tracking.values import moment, text, wrong
from zaffre.store.datasets import DatasetUse
from zaffre.store.logged_models import ModelPoint

READ, WRITE = Permission.TRACKING_READ, Permission.TRACKING_WRITE
STATUS_NUMBERS = {"1": "RUNNING", "2": "SCHEDULED", "3": "FINISHED", "4": "FAILED", "5": "KILLED"}


def run_of(call: Call) -> str:
    return required(call.body, "run_id", "run_uuid")


def create(call: Call) -> dict[str, Any]:
    run = create_run(
        call.context, call.workspace, experiment_id=optional(call.body, "experiment_id") or "0",
        run_name=optional(call.body, "run_name"), user=optional(call.body, "user_id"),
        start_time=moment(integer(call.body, "start_time"), "start_time"), tags=values.tags(rows(call.body, "tags")),
    )  # fmt: skip
    return {"run": show.run(run)}


def get(call: Call) -> dict[str, Any]:
    return {"run": show.run(get_run(call.context, call.workspace, run_of(call)))}


def update(call: Call) -> dict[str, Any]:
    status = call.body.get("status")
    run = change.update_run(
        call.context, call.workspace, run_of(call),
        status=None if status is None else STATUS_NUMBERS.get(str(status), str(status)),
        end_time=moment(integer(call.body, "end_time"), "end_time"), run_name=optional(call.body, "run_name"),
    )  # fmt: skip
    return {"run_info": show.run_info(run)}


def delete(call: Call) -> None:
    change.delete_run(call.context, call.workspace, run_of(call))


def restore(call: Call) -> None:
    change.restore_run(call.context, call.workspace, run_of(call))


def search(call: Call) -> dict[str, Any]:
    found, token = search_runs(
        call.context, call.workspace, texts(call.body, "experiment_ids"), filter_text=optional(call.body, "filter"),
        orders=texts(call.body, "order_by"), deleted=view(call, "run_view_type"),
        max_results=integer(call.body, "max_results"), page_token=optional(call.body, "page_token"),
    )  # fmt: skip
    return {"runs": [show.run(run) for run in found], **({"next_page_token": token} if token else {})}


def log_metric(call: Call) -> None:
    _log(call, [call.body])


def batch(call: Call) -> None:
    _log(call, rows(call.body, "metrics"), rows(call.body, "params"), rows(call.body, "tags"))


def _log(
    call: Call,
    metrics: list[dict[str, Any]],
    params: Sequence[dict[str, Any]] = (),
    tags: Sequence[dict[str, Any]] = (),
) -> None:
    points = values.points(metrics)
    of_models = [
        ModelPoint(
            text(item["model_id"], "model_id"), point, text(item.get("dataset_name") or "", "dataset_name", 255),
            text(item.get("dataset_digest") or "", "dataset_digest", 64),
        )
        for item, point in zip(metrics, points, strict=True) if item.get("model_id")
    ]  # fmt: skip
    log_batch(
        call.context, call.workspace, run_of(call), points=points, given=values.params(params), tags=values.tags(tags),
        model_points=of_models,
    )  # fmt: skip


def log_param(call: Call) -> None:
    log_batch(call.context, call.workspace, run_of(call), given=values.params([call.body]))


def set_run_tag(call: Call) -> None:
    ((key, value),) = values.tags([call.body]).items()
    set_tag(call.context, call.workspace, run_of(call), key, value)


def delete_run_tag(call: Call) -> None:
    delete_tag(call.context, call.workspace, run_of(call), required(call.body, "key"))


def log_inputs(call: Call) -> None:
    uses = []
    for item in rows(call.body, "datasets"):
        dataset = item.get("dataset")
        if not isinstance(dataset, dict):
            raise wrong("Missing value for required parameter 'dataset'.")
        uses.append(
            DatasetUse(
                text(dataset.get("name"), "name", 500), text(dataset.get("digest"), "digest", 36),
                text(dataset.get("source_type"), "source_type"), text(dataset.get("source"), "source", 65_535),
                optional(dataset, "schema"), optional(dataset, "profile"), values.tags(rows(item, "tags")),
            )
        )  # fmt: skip
    models = [required(item, "model_id") for item in rows(call.body, "models")]
    inputs.log_inputs(call.context, call.workspace, run_of(call), uses, models)


def log_outputs(call: Call) -> None:
    made = [(required(item, "model_id"), integer(item, "step") or 0) for item in rows(call.body, "models")]
    inputs.log_outputs(call.context, call.workspace, run_of(call), made)


def log_model(call: Call) -> None:
    inputs.log_model(call.context, call.workspace, run_of(call), required(call.body, "model_json"))


ENDPOINTS = (
    Endpoint("POST", "runs/create", WRITE, create),
    Endpoint("GET", "runs/get", READ, get),
    Endpoint("POST", "runs/update", WRITE, update),
    Endpoint("POST", "runs/delete", WRITE, delete),
    Endpoint("POST", "runs/restore", WRITE, restore),
    Endpoint("POST", "runs/search", READ, search),
    Endpoint("POST", "runs/log-metric", WRITE, log_metric),
    Endpoint("POST", "runs/log-batch", WRITE, batch),
    Endpoint("POST", "runs/log-parameter", WRITE, log_param),
    Endpoint("POST", "runs/set-tag", WRITE, set_run_tag),
    Endpoint("POST", "runs/delete-tag", WRITE, delete_run_tag),
    Endpoint("POST", "runs/log-inputs", WRITE, log_inputs),
    Endpoint("POST", "runs/outputs", WRITE, log_outputs),
    Endpoint("POST", "runs/log-model", WRITE, log_model),
)
