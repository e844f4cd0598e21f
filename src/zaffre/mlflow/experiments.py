"""Endpoints of experiments."""

from __future__ import annotations

from typing import Any

from zaffre.core.permissions import Permission
from zaffre.mlflow import show
from zaffre.mlflow.endpoint import Call, Endpoint
from zaffre.mlflow.json import integer, optional, required, rows, texts
from zaffre.services.tracking import change_experiment as change
from zaffre.services.tracking.create_experiment import create_experiment
from zaffre.services.tracking.get_experiment import get_experiment, get_experiment_by_name
from zaffre.services.tracking.search_datasets import search_datasets as search_data
from zaffre.services.tracking.search_experiments import search_experiments
from zaffre.services.tracking.values import key, tags, text, wrong

READ, WRITE = Permission.TRACKING_READ, Permission.TRACKING_WRITE
TAG_LENGTH = 20_000
VIEWS = {"ACTIVE_ONLY": False, "DELETED_ONLY": True, "ALL": None}


def view(call: Call, name: str) -> bool | None:
    """Whether deleted ones are asked for: only, not, or (None) both."""
    value = optional(call.body, name) or "ACTIVE_ONLY"
    if value not in VIEWS:
        raise wrong(f"Invalid value {value!r:.100} for parameter '{name}' supplied: it is one of {', '.join(VIEWS)}")
    return VIEWS[value]


def create(call: Call) -> dict[str, Any]:
    if optional(call.body, "artifact_location"):
        raise wrong("artifact_location cannot be chosen: this server keeps the artifacts of every run itself")
    name = required(call.body, "name")
    return {
        "experiment_id": create_experiment(
            call.context, call.workspace, name, tags(rows(call.body, "tags"), TAG_LENGTH)
        )
    }


def get(call: Call) -> dict[str, Any]:
    return {
        "experiment": show.experiment(
            get_experiment(call.context, call.workspace, required(call.body, "experiment_id"))
        )
    }


def get_by_name(call: Call) -> dict[str, Any]:
    found = get_experiment_by_name(call.context, call.workspace, required(call.body, "experiment_name"))
    return {"experiment": show.experiment(found)}


def search(call: Call) -> dict[str, Any]:
    found, token = search_experiments(
        call.context, call.workspace, filter_text=optional(call.body, "filter"), orders=texts(call.body, "order_by"),
        deleted=view(call, "view_type"), max_results=integer(call.body, "max_results"),
        page_token=optional(call.body, "page_token"),
    )  # fmt: skip
    return {"experiments": [show.experiment(item) for item in found], **({"next_page_token": token} if token else {})}


def update(call: Call) -> None:
    change.rename_experiment(
        call.context, call.workspace, required(call.body, "experiment_id"), required(call.body, "new_name")
    )


def delete(call: Call) -> None:
    change.delete_experiment(call.context, call.workspace, required(call.body, "experiment_id"))


def restore(call: Call) -> None:
    change.restore_experiment(call.context, call.workspace, required(call.body, "experiment_id"))


def set_tag(call: Call) -> None:
    tag = {key(call.body.get("key"), "key"): text(call.body.get("value", ""), "value", TAG_LENGTH)}
    change.set_experiment_tags(call.context, call.workspace, required(call.body, "experiment_id"), {**tag})


def delete_tag(call: Call) -> None:
    change.set_experiment_tags(
        call.context, call.workspace, required(call.body, "experiment_id"), {required(call.body, "key"): None}
    )


def search_datasets(call: Call) -> dict[str, Any]:
    found = search_data(call.context, call.workspace, texts(call.body, "experiment_ids"))
    return {
        "dataset_summaries": [
            {"experiment_id": experiment, "name": name, "digest": digest, **({"context": use} if use else {})}
            for experiment, name, digest, use in found
        ]
    }


ENDPOINTS = (
    Endpoint("POST", "experiments/create", WRITE, create),
    Endpoint("GET", "experiments/get", READ, get),
    Endpoint("GET", "experiments/get-by-name", READ, get_by_name),
    Endpoint("POST", "experiments/search", READ, search),
    Endpoint("GET", "experiments/search", READ, search),
    Endpoint("GET", "experiments/list", READ, search),  # clients before 2.0
    Endpoint("POST", "experiments/search-datasets", READ, search_datasets),
    Endpoint("POST", "experiments/update", WRITE, update),
    Endpoint("POST", "experiments/delete", WRITE, delete),
    Endpoint("POST", "experiments/restore", WRITE, restore),
    Endpoint("POST", "experiments/set-experiment-tag", WRITE, set_tag),
    Endpoint("POST", "experiments/delete-experiment-tag", WRITE, delete_tag),
)
