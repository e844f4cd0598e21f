"""Endpoints of logged models, which clients since 3.0 use for `log_model`."""

from __future__ import annotations

from typing import Any

from zaffre.core.permissions import Permission
from zaffre.mlflow import show
from zaffre.mlflow.endpoint import Call, Endpoint
from zaffre.mlflow.json import integer, optional, required, rows, texts
from zaffre.services.tracking import logged_model as service
from zaffre.services.tracking import values
from zaffre.services.tracking.artifacts import MODELS, list_artifacts

READ, WRITE = Permission.TRACKING_READ, Permission.TRACKING_WRITE
STATUS_NUMBERS = {"1": service.STATUSES[0], "2": service.STATUSES[1], "3": service.STATUSES[2]}


def create(call: Call) -> dict[str, Any]:
    model = service.create_logged_model(
        call.context, call.workspace, experiment_id=required(call.body, "experiment_id"),
        title=optional(call.body, "name"),
        type_=optional(call.body, "model_type"), source_run=optional(call.body, "source_run_id"),
        params=values.params(rows(call.body, "params")), tags=values.tags(rows(call.body, "tags")),
    )  # fmt: skip
    return {"model": show.logged_model(model)}


def get(call: Call) -> dict[str, Any]:
    allow_deleted = call.body.get("allow_deleted") in ("true", "True", True)
    model = service.get_logged_model(call.context, call.workspace, call.path["model"], allow_deleted=allow_deleted)
    return {"model": show.logged_model(model)}


def finalize(call: Call) -> dict[str, Any]:
    status = str(call.body.get("status"))
    status = STATUS_NUMBERS.get(status, status)
    return {
        "model": show.logged_model(
            service.finalize_logged_model(call.context, call.workspace, call.path["model"], status)
        )
    }


def delete(call: Call) -> None:
    service.delete_logged_model(call.context, call.workspace, call.path["model"])


def search(call: Call) -> dict[str, Any]:
    found, token = service.search_logged_models(
        call.context, call.workspace, texts(call.body, "experiment_ids"), filter_text=optional(call.body, "filter"),
        datasets=[
            (required(item, "dataset_name"), optional(item, "dataset_digest")) for item in rows(call.body, "datasets")
        ],
        orders=[
            (required(item, "field_name"), item.get("ascending", True) is not False, optional(item, "dataset_name"),
             optional(item, "dataset_digest"))
            for item in rows(call.body, "order_by")
        ],
        max_results=integer(call.body, "max_results"), page_token=optional(call.body, "page_token"),
    )  # fmt: skip
    return {"models": [show.logged_model(model) for model in found], **({"next_page_token": token} if token else {})}


def set_tags(call: Call) -> dict[str, Any]:
    tags = values.tags(rows(call.body, "tags"))
    return {
        "model": show.logged_model(
            service.set_logged_model_tags(call.context, call.workspace, call.path["model"], tags)
        )
    }


def delete_tag(call: Call) -> None:
    service.delete_logged_model_tag(call.context, call.workspace, call.path["model"], call.path["key"])


def log_params(call: Call) -> None:
    service.log_model_params(call.context, call.workspace, call.path["model"], values.params(rows(call.body, "params")))


def artifacts(call: Call) -> dict[str, Any]:
    model = service.get_logged_model(call.context, call.workspace, call.path["model"])
    folder = optional(call.body, "artifact_directory_path") or ""
    found = list_artifacts(call.context, call.workspace, f"{MODELS}/{model.record.name}/{folder}")
    return {"root_uri": model.uri, "files": show.files(found, folder)}


ENDPOINTS = (
    Endpoint("POST", "logged-models", WRITE, create),
    Endpoint("POST", "logged-models/search", READ, search),
    Endpoint("GET", "logged-models/{model}", READ, get),
    Endpoint("PATCH", "logged-models/{model}", WRITE, finalize),
    Endpoint("DELETE", "logged-models/{model}", WRITE, delete),
    Endpoint("PATCH", "logged-models/{model}/tags", WRITE, set_tags),
    Endpoint("DELETE", "logged-models/{model}/tags/{key}", WRITE, delete_tag),
    Endpoint("POST", "logged-models/{model}/params", WRITE, log_params),
    Endpoint("GET", "logged-models/{model}/artifacts/directories", READ, artifacts),
)
