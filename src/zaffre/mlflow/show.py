"""What services give, as MLflow's messages."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from zaffre.base.confine import Item
from zaffre.services.models.model_version import MODEL_ID, RUN_LINK, Version
from zaffre.services.tracking.artifacts import run_uri
from zaffre.services.tracking.experiment import shown_id
from zaffre.services.tracking.logged_model import Model
from zaffre.services.tracking.run import Run
from zaffre.store.experiments import ExperimentRecord
from zaffre.store.registered_models import RegisteredModel


def number(value: float) -> float | str:
    """JSON has no NaN and no infinities: MLflow names them."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def pairs(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]


def experiment(record: ExperimentRecord) -> dict[str, Any]:
    return {
        "experiment_id": shown_id(record),
        "name": record.name,
        "artifact_location": f"mlflow-artifacts:/{shown_id(record)}",
        "lifecycle_stage": "deleted" if record.deleted else "active",
        "creation_time": record.created_at,
        "last_update_time": record.changed_at,
        "tags": pairs(record.tags),
    }


def run_info(run: Run) -> dict[str, Any]:
    record = run.record
    info = {
        "run_id": record.name,
        "run_uuid": record.name,
        "run_name": run.name,
        "experiment_id": run.experiment_id,
        "user_id": record.created_by or "",
        "status": run.status,
        "start_time": record.started_at or record.created_at,
        "artifact_uri": run_uri(record.name),
        "lifecycle_stage": "deleted" if record.archived else "active",
    }
    if record.ended_at is not None:
        info["end_time"] = record.ended_at
    return info


def run(found: Run) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "info": run_info(found),
        "data": {
            "metrics": [
                {"key": item.key, "value": number(item.value), "timestamp": item.timestamp, "step": item.step}
                for item in found.metrics
            ],
            "params": pairs(found.params),
            "tags": pairs(found.tags),
        },
        "inputs": {},
    }
    if found.datasets:
        shown["inputs"]["dataset_inputs"] = [
            {
                "tags": pairs(use.tags),
                "dataset": {
                    name: value
                    for name in ("name", "digest", "source_type", "source", "schema", "profile")
                    if (value := getattr(use, name)) is not None
                },
            }
            for use in found.datasets
        ]
    if used := [{"model_id": use.model} for use in found.models if use.direction == "input"]:
        shown["inputs"]["model_inputs"] = used
    if made := [{"model_id": use.model, "step": use.step} for use in found.models if use.direction == "output"]:
        shown["outputs"] = {"model_outputs": made}
    return shown


def history(key: str, points: Iterable[tuple[int, int, float]], run_name: str | None = None) -> list[dict[str, Any]]:
    more = {} if run_name is None else {"run_id": run_name}
    return [
        {
            "key": key,
            "value": value if value - value == 0 else number(value),
            "timestamp": timestamp,
            "step": step,
            **more,
        }
        for timestamp, step, value in points
    ]


def logged_model(model: Model) -> dict[str, Any]:
    record = model.record
    info: dict[str, Any] = {
        "model_id": record.name,
        "experiment_id": model.experiment_id,
        "name": record.title,
        "creation_timestamp_ms": record.created_at,
        "last_updated_timestamp_ms": record.changed_at,
        "artifact_uri": model.uri,
        "status": record.status,
        "tags": pairs(record.tags),
    }
    if record.type:
        info["model_type"] = record.type
    if model.run:
        info["source_run_id"] = model.run
    metrics = []
    for item in model.values:
        shown = {"key": item.key, "value": number(item.value), "timestamp": item.timestamp, "step": item.step}
        shown |= {"model_id": record.name, "run_id": item.run}
        if item.dataset_name:
            shown |= {"dataset_name": item.dataset_name, "dataset_digest": item.dataset_digest}
        metrics.append(shown)
    return {"info": info, "data": {"params": pairs(record.params), "metrics": metrics}}


def files(items: Iterable[Item], folder: str = "") -> list[dict[str, Any]]:
    prefix = f"{folder.strip('/')}/" if folder.strip("/") else ""
    return [
        {
            "path": prefix + item.name,
            "is_dir": item.is_folder,
            **({} if item.size is None else {"file_size": item.size}),
        }
        for item in items
    ]


def registered_model(model: RegisteredModel) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": model.name,
        "creation_timestamp": model.created_at,
        "last_updated_timestamp": model.changed_at,
        "tags": pairs(model.tags),
        "aliases": [{"alias": alias, "version": version} for alias, version in sorted(model.aliases.items())],
    }
    if model.description:
        shown["description"] = model.description
    if model.versions:
        newest = model.versions[0]
        aliases = [alias for alias, version in model.aliases.items() if version == newest.version]
        shown["latest_versions"] = [model_version(Version(newest, None, sorted(aliases)))]
    return shown


def model_version(version: Version) -> dict[str, Any]:
    record = version.record
    shown = {
        "name": record.name,
        "version": record.version,
        "creation_timestamp": record.created_at,
        "last_updated_timestamp": record.changed_at,
        "user_id": record.created_by or "",
        "current_stage": version.stage,
        "description": record.description or "",
        "source": version.source,
        "run_id": version.run or "",
        "run_link": record.properties.get(RUN_LINK, ""),
        "status": "READY",
        "tags": pairs({key: str(value) for key, value in record.tags.items()}),
        "aliases": version.aliases,
    }
    if model_id := record.properties.get(MODEL_ID):
        shown["model_id"] = model_id
    return shown
