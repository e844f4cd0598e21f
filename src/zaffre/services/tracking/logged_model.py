"""Logged models: created by `log_model` of MLflow 3 and later, filled with files, then finished."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from zaffre.base.clock import now_ms
from zaffre.base.confine import kind_of, parts_of
from zaffre.base.errors import InvalidRequest, NotFound
from zaffre.base.ids import sequence
from zaffre.core.search_filter import parse_filter, parse_order
from zaffre.core.search_grammar import LOGGED_MODELS
from zaffre.services.context import Context
from zaffre.services.tracking.artifacts import MODELS, SCHEME, run_path
from zaffre.services.tracking.experiment import DEFAULT_ID, DEFAULT_NAME, number, resolve
from zaffre.services.tracking.matches import Lookup, matches, ordered
from zaffre.services.tracking.pages import offset_of, size_of, token_of
from zaffre.services.tracking.values import wrong
from zaffre.store import experiments, logged_models, runs
from zaffre.store.logged_models import LoggedModel, ModelValue

STATUSES = ("LOGGED_MODEL_PENDING", "LOGGED_MODEL_READY", "LOGGED_MODEL_UPLOAD_FAILED")
_TITLE = re.compile(r"""[^/:.%"'\x00-\x1f]{1,500}""")


@dataclass
class Model:
    record: LoggedModel
    experiment_id: str
    run: str | None
    values: Sequence[ModelValue] = ()

    @property
    def uri(self) -> str:
        return f"{SCHEME}{MODELS}/{self.record.name}"


def create_logged_model(
    context: Context,
    workspace: str,
    *,
    experiment_id: str,
    title: str | None,
    type_: str | None,
    source_run: str | None,
    params: Mapping[str, str],
    tags: Mapping[str, str],
) -> Model:
    """Its files go to a folder of its name in the run's artifacts when that is free, else to one of its id."""
    name = f"m-{uuid.uuid4().hex}"
    title = title or name
    if not _TITLE.fullmatch(title):
        raise wrong("Invalid model name: it must be a non-empty string without any of / : . % \" '")
    now = now_ms()
    with context.db.write() as connection:
        experiment = resolve(context, connection, workspace, experiment_id, writing=True)
        run = runs.loggable(connection, workspace, source_run) if source_run else None
        record = LoggedModel(
            id=sequence(),
            workspace=workspace,
            name=name,
            title=title,
            experiment_id=experiment.id,
            job_id=run.id if run else None,
            type=type_,
            status=STATUSES[0],
            path=_free_path(context, connection, workspace, run.name if run else None, title, name),
            tags=dict(tags),
            params=dict(params),
            deleted=False,
            created_at=now,
            changed_at=now,
        )
        logged_models.insert(connection, record)
        return _shown(connection, workspace, [record])[0]


def _free_path(context: Context, connection: Connection, workspace: str, run: str | None, title: str, name: str) -> str:
    if run is None:
        return f"{MODELS}/{name}"
    try:
        parts = parts_of(title)
    except InvalidRequest:
        parts = ()
    wanted = f"{run_path(run)}/{title}"
    free = len(parts) == 1 and parts[0] == title and not title.startswith(("user_logs", "system_logs", "models"))
    free = free and not logged_models.path_taken(connection, workspace, wanted)
    if free and kind_of(context.home.artifacts(workspace, run), parts) is None:
        return wanted
    return f"{run_path(run)}/models/{name}"


def get_logged_model(context: Context, workspace: str, name: str, *, allow_deleted: bool = False) -> Model:
    """Raises `NotFound`."""
    with context.db.read() as connection:
        record = logged_models.get(connection, workspace, name, allow_deleted=allow_deleted)
        return _shown(connection, workspace, [record])[0]


def finalize_logged_model(context: Context, workspace: str, name: str, status: str) -> Model:
    if status not in STATUSES:
        raise wrong(f"Invalid model status {status!r:.100}: it is one of {', '.join(STATUSES)}")
    return _change(context, workspace, name, lambda _record: {"status": status})


def delete_logged_model(context: Context, workspace: str, name: str) -> None:
    """Hidden, not lost. Raises `NotFound`."""
    _change(context, workspace, name, lambda _record: {"deleted": True})


def set_logged_model_tags(context: Context, workspace: str, name: str, tags: Mapping[str, str]) -> Model:
    return _change(context, workspace, name, lambda record: {"tags": {**record.tags, **tags}})


def delete_logged_model_tag(context: Context, workspace: str, name: str, key: str) -> None:
    """Raises `NotFound` when it has no such tag."""

    def without(record: LoggedModel) -> dict[str, Any]:
        if key not in record.tags:
            raise NotFound(f"No tag with key {key!r} for model with ID {name!r}.", code="TagNotFound")
        return {"tags": {known: value for known, value in record.tags.items() if known != key}}

    _change(context, workspace, name, without)


def log_model_params(context: Context, workspace: str, name: str, params: Mapping[str, str]) -> None:
    """The same value again is no change. Raises `InvalidRequest` for another one."""

    def merged(record: LoggedModel) -> dict[str, Any]:
        for key, value in params.items():
            if record.params.get(key, value) != value:
                raise wrong(
                    f"Changing param values is not allowed. Param with key='{key}' of model {name} is known already"
                )
        return {"params": {**record.params, **params}}

    _change(context, workspace, name, merged)


def search_logged_models(
    context: Context,
    workspace: str,
    experiment_ids: Sequence[str],
    *,
    filter_text: str | None = None,
    datasets: Sequence[tuple[str, str | None]] = (),
    orders: Sequence[tuple[str, bool, str | None, str | None]] = (),
    max_results: int | None = None,
    page_token: str | None = None,
) -> tuple[list[Model], str | None]:
    """A page, newest first. `datasets` are (name, digest): only values measured on one of them count.

    `orders` are (field, ascending, data set name, digest).
    """
    clauses = parse_filter(filter_text, LOGGED_MODELS)
    parsed = [parse_order(f"{field} {'ASC' if up else 'DESC'}", LOGGED_MODELS) for field, up, _, _ in orders]
    size, offset = size_of(max_results, 50, 1000), offset_of(page_token)
    with context.db.read() as connection:
        default = experiments.find(connection, workspace, DEFAULT_NAME)
        ids = [number(id_) for id_ in experiment_ids if id_ != DEFAULT_ID]
        if default and DEFAULT_ID in experiment_ids:
            ids.append(default.id)
        found = _shown(connection, workspace, logged_models.in_experiments(connection, workspace, ids))
    found = [model for model in found if matches(_lookup(model, datasets), clauses)]
    if datasets and not any(clause.entity == "metric" for clause in clauses):
        found = [model for model in found if any(_on(value, datasets) for value in model.values)]
    for order, (_, _, dataset, digest) in reversed(list(zip(parsed, orders, strict=True))):
        measured = [(dataset, digest)] if dataset else datasets
        found = ordered(found, lambda model, on=measured: _lookup(model, on), [order])  # type: ignore[misc]
    return found[offset : offset + size], token_of(offset + size) if len(found) > offset + size else None


def _on(value: ModelValue, datasets: Sequence[tuple[str, str | None]]) -> bool:
    return any(value.dataset_name == name and digest in (None, value.dataset_digest) for name, digest in datasets)


def _lookup(model: Model, datasets: Sequence[tuple[str, str | None]]) -> Lookup:
    record = model.record
    attributes = {
        "name": record.title,
        "model_id": record.name,
        "model_type": record.type,
        "source_run_id": model.run,
        "status": record.status.removeprefix("LOGGED_MODEL_"),
        "creation_timestamp": record.created_at,
        "last_updated_timestamp": record.changed_at,
    }

    def value(entity: str, key: str) -> Any:
        if entity == "tag":
            return record.tags.get(key)
        if entity == "param":
            return record.params.get(key)
        if entity == "metric":
            found = [item for item in model.values if item.key == key and (not datasets or _on(item, datasets))]
            return max(found, key=lambda item: (item.step, item.timestamp)).value if found else None
        return attributes[key]

    return value


def _change(context: Context, workspace: str, name: str, values: Any) -> Model:
    with context.db.write() as connection:
        record = logged_models.get(connection, workspace, name)
        logged_models.change(connection, record, values(record))
        changed = logged_models.get(connection, workspace, name, allow_deleted=True)
        return _shown(connection, workspace, [changed])[0]


def _shown(connection: Connection, workspace: str, records: Sequence[LoggedModel]) -> list[Model]:
    default = experiments.find(connection, workspace, DEFAULT_NAME)
    names = runs.names_of(connection, sorted({record.job_id for record in records if record.job_id}))
    values = logged_models.values_of(connection, [record.id for record in records])
    return [
        Model(
            record,
            DEFAULT_ID if default and record.experiment_id == default.id else str(record.experiment_id),
            names.get(record.job_id or 0),
            values.get(record.id, ()),
        )
        for record in records
    ]
