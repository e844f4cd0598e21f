"""Versions of models as MLflow has them: assets of kind `model`, the same that `zaffre model create` makes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from zaffre.base.clock import now_ms
from zaffre.base.confine import parts_of
from zaffre.base.ids import sequence
from zaffre.core.search_filter import parse_filter, parse_order
from zaffre.core.search_grammar import MODEL_VERSIONS
from zaffre.services import places
from zaffre.services.audit.record import record as remember
from zaffre.services.context import Context
from zaffre.services.models.in_use import refuse_if_ruled, refuse_if_used
from zaffre.services.models.inspect import facts_of_model
from zaffre.services.tracking.artifacts import ARTIFACT_STORE, RUNS, SCHEME, VERSIONS, locate, run_path
from zaffre.services.tracking.pages import offset_of, size_of, token_of
from zaffre.services.tracking.values import wrong
from zaffre.store import assets, logged_models, model_search, registered_models, runs
from zaffre.store.assets import AssetRecord, Edge

KIND = registered_models.KIND
STAGES = ("None", "Staging", "Production", "Archived")
SOURCE, MODEL_ID, STAGE, RUN_LINK = "mlflow.source", "mlflow.model_id", "stage", "mlflow.run_link"
_LOGGED_MODEL = re.compile(r"(?:models:/|mlflow-artifacts:/+LoggedModel/)(m-[0-9a-f]{32})/?")
_DATASTORE_PATH = f"azureml://datastores/{ARTIFACT_STORE}/paths/"


@dataclass
class Version:
    record: AssetRecord
    run: str | None
    aliases: list[str]

    @property
    def stage(self) -> str:
        return str(self.record.properties.get(STAGE, STAGES[0]))

    @property
    def source(self) -> str:
        return str(self.record.properties.get(SOURCE) or self.record.uri or "")


def create_model_version(
    context: Context,
    workspace: str,
    name: str,
    *,
    source: str,
    run: str | None = None,
    model_id: str | None = None,
    description: str | None = None,
    run_link: str | None = None,
    tags: Mapping[str, str],
) -> Version:
    """The next version of a registered model. Raises `NotFound` for the model, the run, or what `source` names."""
    now = now_ms()
    uri, made_by, model_id = _source(context, workspace, source, run, model_id)
    properties = (
        {SOURCE: source} | ({MODEL_ID: model_id} if model_id else {}) | ({RUN_LINK: run_link} if run_link else {})
    )
    record = AssetRecord(
        id=sequence(),
        workspace=workspace,
        kind=KIND,
        name=name,
        version="",
        created_at=now,
        changed_at=now,
        spec={"name": name, "type": "custom_model", "path": uri},
        type="custom_model",
        description=description,
        tags=dict(tags),
        properties=properties,
        uri=uri,
        created_by=context.principal.name,
    )
    _known(context, workspace, name)
    _inspect(context, workspace, record)
    with context.db.write() as connection:
        registered_models.get(connection, workspace, name)
        record.job_id = job_id = runs.get(connection, workspace, made_by).id if made_by else None
        version = assets.insert_next(connection, record)
        if job_id is not None:
            edge = Edge(job_id, "output", "mlflow", KIND, f"{name}:{version}")
            assets.add_edges(connection, workspace, [edge])
        remember(context, connection, workspace, KIND, name, "register", version=version, after={"source": source})
        return _shown(connection, workspace, [record])[0]


def _known(context: Context, workspace: str, name: str) -> None:
    """Raises `NotFound` before any file is read."""
    with context.db.read() as connection:
        registered_models.get(connection, workspace, name)


def _source(
    context: Context, workspace: str, source: str, run: str | None, model_id: str | None
) -> tuple[str, str | None, str | None]:
    """(address of the files, run that made them, logged model). Only what this server keeps may be registered here."""
    with context.db.read() as connection:
        if match := _LOGGED_MODEL.fullmatch(source):
            model_id = match[1]
        elif match := re.fullmatch(r"models:/([^/]+)/([^/]+)", source):
            copied = assets.get(connection, workspace, KIND, match[1], match[2])
            return copied.uri or "", run, copied.properties.get(MODEL_ID)
        elif match := re.fullmatch(rf"(?:runs:/|{re.escape(SCHEME)}/*{RUNS}/dcid\.)([^/]+)/(.+)", source):
            run = run or match[1]
            job = runs.get(connection, workspace, match[1])
            path = "/".join(parts_of(match[2]))
            model = next((m for m in logged_models.of_job(connection, job.id) if m.title == path), None)
            if model is None:
                return f"{_DATASTORE_PATH}{run_path(match[1])}/{path}", run, model_id
            model_id = model.name
        elif re.match(r"azureml://datastores/(workspaceartifactstore|workspaceblobstore)/paths/", source):
            parts_of(source.partition("/paths/")[2].strip("/"))
            return source, run, model_id
        else:
            raise wrong(
                f"Invalid model version source: '{source[:300]}'. It must be in this server: runs:/<run>/<path>, "
                "models:/<model id>, mlflow-artifacts:/... or azureml://datastores/..."
            )
        found = logged_models.get(connection, workspace, model_id)
        made_by = runs.names_of(connection, [found.job_id]).get(found.job_id) if found.job_id else run
        return _DATASTORE_PATH + found.path, run or made_by, found.name


def _inspect(context: Context, workspace: str, record: AssetRecord) -> None:
    """What the files are now: identity, size, what MLflow wrote about them. Raises `NotFound` when there are none."""
    local = places.locate(context, workspace, str(record.uri)).local
    record.fingerprint = places.identity(context, workspace, str(record.uri))
    if local is not None:
        manifest = context.content.scan(local, ignore_files=False)
        record.facts = {"files": len(manifest.entries), "bytes": manifest.size, **facts_of_model(local)}
        if record.facts.get("flavors"):
            record.type = record.spec["type"] = "mlflow_model"


def get_model_version(
    context: Context, workspace: str, name: str, version: str | None = None, alias: str | None = None
) -> Version:
    """By number or by alias. Raises `NotFound`."""
    with context.db.read() as connection:
        record = assets.get(connection, workspace, KIND, name, version, alias)
        return _shown(connection, workspace, [record])[0]


def latest_versions(context: Context, workspace: str, name: str, stages: Sequence[str] = ()) -> list[Version]:
    """The newest version of each stage."""
    with context.db.read() as connection:
        records = registered_models.get(connection, workspace, name).versions
        newest: dict[str, Version] = {}
        for version in _shown(connection, workspace, records):
            newest.setdefault(version.stage, version)
    wanted = [_stage(stage) for stage in stages] or list(STAGES)
    return [newest[stage] for stage in wanted if stage in newest]


def update_model_version(
    context: Context,
    workspace: str,
    name: str,
    version: str,
    *,
    description: str | None = None,
    tags: Mapping[str, str | None] | None = None,
) -> Version:
    """A tag of None is removed."""
    with context.db.write() as connection:
        record = assets.get(connection, workspace, KIND, name, version)
        merged = {key: value for key, value in {**record.tags, **(tags or {})}.items() if value is not None}
        values: dict[str, Any] = {"tags": merged, "changed_at": now_ms()}
        assets.change(connection, record, values | ({} if description is None else {"description": description}))
        return _shown(connection, workspace, [assets.get(connection, workspace, KIND, name, version)])[0]


def transition_stage(
    context: Context, workspace: str, name: str, version: str, stage: str, *, archive_existing: bool
) -> Version:
    """`archive_existing` moves the other versions of that stage to Archived."""
    stage = _stage(stage)
    with context.db.write() as connection:
        assets.get(connection, workspace, KIND, name, version)
        for other in registered_models.get(connection, workspace, name).versions:
            if other.version == version:
                _set_stage(context, connection, other, stage)
            elif archive_existing and other.properties.get(STAGE) == stage:
                _set_stage(context, connection, other, "Archived")
        return _shown(connection, workspace, [assets.get(connection, workspace, KIND, name, version)])[0]


def _stage(name: str) -> str:
    found = {stage.lower(): stage for stage in STAGES}.get(name.lower())
    if found is None:
        raise wrong(f"Invalid Model Version stage: {name[:100]}. Value must be one of {', '.join(STAGES)}.")
    return found


def _set_stage(context: Context, connection: Connection, record: AssetRecord, stage: str) -> None:
    former = record.properties.get(STAGE, STAGES[0])
    remember(context, connection, record.workspace, KIND, record.name, "set-stage", version=record.version,
             before={"stage": former}, after={"stage": stage})  # fmt: skip
    assets.change(connection, record, {"properties": {**record.properties, STAGE: stage}, "changed_at": now_ms()})


def delete_model_version(context: Context, workspace: str, name: str, version: str) -> None:
    """Raises `NotFound`, or `Conflict` while something uses it, or a promotion rule holds it."""
    with context.db.write() as connection:
        record = assets.get(connection, workspace, KIND, name, version)
        refuse_if_used(connection, record)
        refuse_if_ruled(connection, record)
        registered_models.change(context.db, connection, workspace, name, {})  # the name stays, without its version
        assets.remove(connection, record)
        remember(context, connection, workspace, KIND, name, "delete", version=version)


def search_model_versions(
    context: Context,
    workspace: str,
    *,
    filter_text: str | None = None,
    orders: Sequence[str] = (),
    max_results: int | None = None,
    page_token: str | None = None,
) -> tuple[list[Version], str | None]:
    """A page, newest first unless ordered otherwise, and the token of the next one."""
    clauses = parse_filter(filter_text, MODEL_VERSIONS)
    parsed = [parse_order(order, MODEL_VERSIONS) for order in orders]
    size, offset = size_of(max_results, 10_000, 200_000), offset_of(page_token)
    with context.db.read() as connection:
        records = model_search.search_versions(
            context.db, connection, workspace, clauses=clauses, orders=parsed, limit=size + 1, offset=offset
        )
        found = _shown(connection, workspace, records[:size])
    return found, token_of(offset + size) if len(records) > size else None


def download_uri(context: Context, workspace: str, name: str, version: str) -> str:
    """Where a client reads the files. Raises `NotFound`, or `InvalidRequest` when this server does not keep them."""
    path = f"{VERSIONS}/{name}/{version}"
    locate(context, workspace, path)
    return SCHEME + path


def _shown(connection: Connection, workspace: str, records: Sequence[AssetRecord]) -> list[Version]:
    jobs = runs.names_of(connection, sorted({record.job_id for record in records if record.job_id}))
    aliases = registered_models.labels_of(connection, workspace, sorted({record.name for record in records}))
    return [
        Version(record, jobs.get(record.job_id or 0), aliases.get((record.name, record.version), []))
        for record in records
    ]
