"""Endpoints of the model registry: registered models, their versions, aliases, stages."""

from __future__ import annotations

from typing import Any

from zaffre.base.errors import InvalidRequest
from zaffre.core.permissions import Permission
from zaffre.mlflow import show
from zaffre.mlflow.endpoint import Call, Endpoint
from zaffre.mlflow.json import integer, optional, required, rows, texts
from zaffre.services.models import model_version as versions
from zaffre.services.models import registered_model as models
from zaffre.services.models.rename_model import rename_registered_model
from zaffre.services.tracking.values import key, tags, text

READ, REGISTER, WRITE = Permission.ASSETS_READ, Permission.MODELS_REGISTER, Permission.ASSETS_WRITE
TAG_LENGTH = 100_000


def _name(call: Call) -> str:
    return required(call.body, "name")


def _version(call: Call) -> str:
    return required({"version": str(call.body["version"])} if call.body.get("version") else {}, "version")


def _tag(call: Call) -> dict[str, str | None]:
    return {key(call.body.get("key"), "key"): text(call.body.get("value", ""), "value", TAG_LENGTH)}


def _page(call: Call) -> dict[str, Any]:
    return {
        "filter_text": optional(call.body, "filter"),
        "orders": texts(call.body, "order_by"),
        "max_results": integer(call.body, "max_results"),
        "page_token": optional(call.body, "page_token"),
    }


def create_model(call: Call) -> dict[str, Any]:
    given = tags(rows(call.body, "tags"), TAG_LENGTH)
    if given.get("mlflow.prompt.is_prompt") == "true":
        raise InvalidRequest(
            f"prompts are not kept in this registry: {call.body.get('name')!r:.200} is not registered",
            code="PromptsNotOffered",
            hint="log it to a run: mlflow.log_text(template, 'prompt.txt')",
        )
    model = models.create_registered_model(
        call.context, call.workspace, _name(call), description=optional(call.body, "description"), tags=given
    )
    return {"registered_model": show.registered_model(model)}


def get_model(call: Call) -> dict[str, Any]:
    return {
        "registered_model": show.registered_model(
            models.get_registered_model(call.context, call.workspace, _name(call))
        )
    }


def update_model(call: Call) -> dict[str, Any]:
    model = models.update_registered_model(
        call.context, call.workspace, _name(call), description=optional(call.body, "description")
    )
    return {"registered_model": show.registered_model(model)}


def rename_model(call: Call) -> dict[str, Any]:
    model = rename_registered_model(call.context, call.workspace, _name(call), required(call.body, "new_name"))
    return {"registered_model": show.registered_model(model)}


def delete_model(call: Call) -> None:
    models.delete_registered_model(call.context, call.workspace, _name(call))


def search_models(call: Call) -> dict[str, Any]:
    found, token = models.search_registered_models(call.context, call.workspace, **_page(call))
    shown = [show.registered_model(model) for model in found]
    return {"registered_models": shown, **({"next_page_token": token} if token else {})}


def latest(call: Call) -> dict[str, Any]:
    found = versions.latest_versions(call.context, call.workspace, _name(call), texts(call.body, "stages"))
    return {"model_versions": [show.model_version(version) for version in found]}


def set_model_tag(call: Call) -> None:
    models.update_registered_model(call.context, call.workspace, _name(call), tags=_tag(call))


def delete_model_tag(call: Call) -> None:
    models.update_registered_model(call.context, call.workspace, _name(call), tags={required(call.body, "key"): None})


def set_alias(call: Call) -> None:
    models.set_alias(call.context, call.workspace, _name(call), required(call.body, "alias"), _version(call))


def delete_alias(call: Call) -> None:
    models.delete_alias(call.context, call.workspace, _name(call), required(call.body, "alias"))


def get_by_alias(call: Call) -> dict[str, Any]:
    alias = required(call.body, "alias")
    return {
        "model_version": show.model_version(
            versions.get_model_version(call.context, call.workspace, _name(call), None, alias)
        )
    }


def create_version(call: Call) -> dict[str, Any]:
    version = versions.create_model_version(
        call.context, call.workspace, _name(call), source=required(call.body, "source"),
        run=optional(call.body, "run_id") or None, model_id=optional(call.body, "model_id") or None,
        description=optional(call.body, "description"), run_link=optional(call.body, "run_link"),
        tags=tags(rows(call.body, "tags"), TAG_LENGTH),
    )  # fmt: skip
    return {"model_version": show.model_version(version)}


def get_version(call: Call) -> dict[str, Any]:
    found = versions.get_model_version(call.context, call.workspace, _name(call), _version(call))
    return {"model_version": show.model_version(found)}


def update_version(call: Call) -> dict[str, Any]:
    version = versions.update_model_version(
        call.context, call.workspace, _name(call), _version(call), description=optional(call.body, "description")
    )
    return {"model_version": show.model_version(version)}


def delete_version(call: Call) -> None:
    versions.delete_model_version(call.context, call.workspace, _name(call), _version(call))


def search_versions(call: Call) -> dict[str, Any]:
    found, token = versions.search_model_versions(call.context, call.workspace, **_page(call))
    shown = [show.model_version(version) for version in found]
    return {"model_versions": shown, **({"next_page_token": token} if token else {})}


def set_version_tag(call: Call) -> None:
    versions.update_model_version(call.context, call.workspace, _name(call), _version(call), tags=_tag(call))


def delete_version_tag(call: Call) -> None:
    versions.update_model_version(
        call.context, call.workspace, _name(call), _version(call), tags={required(call.body, "key"): None}
    )


def transition(call: Call) -> dict[str, Any]:
    version = versions.transition_stage(
        call.context, call.workspace, _name(call), _version(call), required(call.body, "stage"),
        archive_existing=call.body.get("archive_existing_versions") in (True, "true"),
    )  # fmt: skip
    return {"model_version": show.model_version(version)}


def download_uri(call: Call) -> dict[str, Any]:
    return {"artifact_uri": versions.download_uri(call.context, call.workspace, _name(call), _version(call))}


ENDPOINTS = (
    Endpoint("POST", "registered-models/create", REGISTER, create_model),
    Endpoint("GET", "registered-models/get", READ, get_model),
    Endpoint("POST", "registered-models/rename", WRITE, rename_model),
    Endpoint("PATCH", "registered-models/update", REGISTER, update_model),
    Endpoint("DELETE", "registered-models/delete", WRITE, delete_model),
    Endpoint("GET", "registered-models/search", READ, search_models),
    Endpoint("GET", "registered-models/get-latest-versions", READ, latest),
    Endpoint("POST", "registered-models/get-latest-versions", READ, latest),
    Endpoint("POST", "registered-models/set-tag", REGISTER, set_model_tag),
    Endpoint("DELETE", "registered-models/delete-tag", WRITE, delete_model_tag),
    Endpoint("POST", "registered-models/alias", WRITE, set_alias),
    Endpoint("DELETE", "registered-models/alias", WRITE, delete_alias),
    Endpoint("GET", "registered-models/alias", READ, get_by_alias),
    Endpoint("POST", "model-versions/create", REGISTER, create_version),
    Endpoint("GET", "model-versions/get", READ, get_version),
    Endpoint("PATCH", "model-versions/update", REGISTER, update_version),
    Endpoint("DELETE", "model-versions/delete", WRITE, delete_version),
    Endpoint("GET", "model-versions/search", READ, search_versions),
    Endpoint("POST", "model-versions/set-tag", REGISTER, set_version_tag),
    Endpoint("DELETE", "model-versions/delete-tag", WRITE, delete_version_tag),
    Endpoint("POST", "model-versions/transition-stage", WRITE, transition),
    Endpoint("GET", "model-versions/get-download-uri", READ, download_uri),
)
