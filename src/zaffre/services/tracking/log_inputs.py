"""Say which data sets and models a run used or made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from zaffre.base import limits
from zaffre.services.context import Context
from zaffre.services.tracking.values import wrong
from zaffre.store import datasets, job_tags, logged_models, runs
from zaffre.store.datasets import DatasetUse

LOGGED_MODELS = "mlflow.log-model.history"


def log_inputs(context: Context, workspace: str, run: str, uses: Sequence[DatasetUse], models: Sequence[str]) -> None:
    if len(uses) > limits.DATASETS_PER_BATCH:
        raise wrong(f"A request can name at most {limits.DATASETS_PER_BATCH} datasets. Got {len(uses)}.")
    with context.db.write() as connection:
        record = runs.loggable(connection, workspace, run)
        datasets.add(context.db, connection, record.experiment_id, record.id, uses)
        logged_models.add_uses(context.db, connection, workspace, record.id, "input", [(name, 0) for name in models])


def log_outputs(context: Context, workspace: str, run: str, models: Sequence[tuple[str, int]]) -> None:
    """`models` are (model id, step)."""
    with context.db.write() as connection:
        record = runs.loggable(connection, workspace, run)
        logged_models.add_uses(context.db, connection, workspace, record.id, "output", models)


def log_model(context: Context, workspace: str, run: str, model_json: str) -> None:
    """As clients before 3.0 do it: the description of the model is added to a tag."""
    try:
        model = orjson.loads(model_json)
    except ValueError:
        raise wrong("Malformed model info: it is not JSON") from None
    wanted = ("artifact_path", "flavors", "run_id", "utc_time_created")
    missing = [name for name in wanted if not isinstance(model, dict) or name not in model]
    if missing:
        raise wrong(f"Model json is missing mandatory fields: {missing}")
    with context.db.write() as connection:
        record = runs.loggable(connection, workspace, run)
        former = job_tags.tags_of(connection, [record.id]).get(record.id, {}).get(LOGGED_MODELS, "[]")
        history = [*_list(former), model]
        job_tags.set_tags(context.db, connection, record.id, {LOGGED_MODELS: orjson.dumps(history).decode()})


def _list(text: str) -> list[Any]:
    """Of a tag, which anybody may have set to anything."""
    try:
        found = orjson.loads(text)
    except ValueError:
        return []
    return found if isinstance(found, list) else []
