"""Create a version of a data asset, environment, component or model. A version never changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from blake3 import blake3
from sqlalchemy import Connection

from zaffre.base.clock import now_ms
from zaffre.base.errors import Conflict, InvalidRequest
from zaffre.base.ids import sequence
from zaffre.services import places
from zaffre.services.assets.view import STAGE, views
from zaffre.services.audit.record import record as remember
from zaffre.services.context import Context
from zaffre.services.data import source
from zaffre.services.models.inspect import facts_of_model, facts_of_stored_model
from zaffre.services.models.recognise import facts, of_folder, of_stored
from zaffre.services.resolve.environment import environment_of
from zaffre.services.resolve.inputs import address
from zaffre.services.resolve.plan import resolve
from zaffre.services.resolve.scope import Scope
from zaffre.spec.document import dump, parse
from zaffre.store import assets
from zaffre.store import jobs as job_store
from zaffre.store.assets import AssetRecord
from zaffre.store.resources import get_workspace
from zaffre.wire.assets import AssetView, CreateAsset

DEFAULT_TYPE = {"data": "uri_folder", "model": "custom_model"}


def creator(kind: str) -> Callable[[Context, CreateAsset], AssetView]:
    """The service that creates versions of one kind."""

    def create(ctx: Context, request: CreateAsset) -> AssetView:
        return create_version(ctx, kind, request)

    return create


def create_version(ctx: Context, kind: str, request: CreateAsset) -> AssetView:
    """The same content under the same version is the same version; other content is a `Conflict`."""
    spec = dump(parse(request.spec, kind=kind).spec)
    if not spec.get("name"):
        raise InvalidRequest(f"a {kind} needs a name", code="NameMissing", hint="name: my-asset, or --name")
    if spec.get("build"):
        spec["build"].setdefault("dockerfile_path", "Dockerfile")
    record = _record(ctx, kind, request, spec)
    with ctx.db.write() as connection:
        get_workspace(connection, request.workspace)
        if request.job_name:
            record.job_id = job_store.get(connection, request.workspace, request.job_name).id
        if record.version:
            there = assets.find(connection, record.workspace, kind, record.name, record.version)
            there = there or _insert(connection, record)
            if there is not record:
                if not _same(there, record):
                    raise Conflict(
                        f"{kind} {record.name}:{record.version} exists already with other content",
                        code="VersionExists",
                        hint="versions never change: leave the version out to get the next one",
                    )
                return views(connection, [there])[0]
        else:
            record.version = assets.next_version(connection, record.workspace, kind, record.name)
            while _insert(connection, record) is not record:  # somebody took the number meanwhile
                record.version = assets.next_version(connection, record.workspace, kind, record.name)
        if record.job_id:
            edge = assets.Edge(record.job_id, "output", "", kind, f"{record.name}:{record.version}")
            assets.add_edges(connection, record.workspace, [edge])
        remember(ctx, connection, record.workspace, kind, record.name, "register", version=record.version,
                 after={"path": spec.get("path")})  # fmt: skip
        return views(connection, [record])[0]


def _insert(connection: Connection, record: AssetRecord) -> AssetRecord:
    """The record, now written; or the one that somebody else wrote under its version at this moment."""
    record.spec["version"] = record.version
    try:
        assets.insert(connection, record)
    except Conflict:
        return assets.get(connection, record.workspace, record.kind, record.name, record.version)
    return record


def _same(there: AssetRecord, record: AssetRecord) -> bool:
    """Equal content; where that was not looked at yet, the same address."""
    if there.type != record.type:
        return False
    if there.fingerprint and record.fingerprint:
        return there.fingerprint == record.fingerprint
    return there.uri == record.uri


def _record(ctx: Context, kind: str, request: CreateAsset, spec: dict[str, Any]) -> AssetRecord:
    now = now_ms()
    record = AssetRecord(
        id=sequence(),
        workspace=request.workspace,
        kind=kind,
        name=spec["name"],
        version=str(spec.get("version") or ""),
        spec=spec,
        created_at=now,
        changed_at=now,
        type=spec.get("type") or DEFAULT_TYPE.get(kind),
        description=spec.get("description"),
        tags={key: value for key, value in (spec.get("tags") or {}).items() if key != STAGE},
        properties=spec.get("properties") or {},
        created_by=ctx.principal.name,
    )
    if stage := spec.pop("stage", None):
        record.properties = {**record.properties, "stage": str(stage)}  # where MLflow's stages are
    if kind in DEFAULT_TYPE:
        _locate(ctx, record)
    else:
        _check(ctx, record)
        record.fingerprint = blake3(orjson.dumps({**spec, "version": None}, option=orjson.OPT_SORT_KEYS)).hexdigest()
    return record


def _locate(ctx: Context, record: AssetRecord) -> None:
    """Where the bytes are, and what they are now. A reference copies nothing; a remote source need not answer yet."""
    path = record.spec.get("path")
    if not path:
        raise InvalidRequest(
            f"{record.kind} {record.name} needs a path", code="PathMissing", hint="path: ./folder, or --path"
        )
    with ctx.db.read() as connection:
        plan = address(Scope(ctx, connection, record.workspace), str(path), str(record.type))
        if (asset := plan.get("asset", "")).startswith("job:"):
            record.job_id = job_store.get(connection, record.workspace, asset.removeprefix("job:").partition("/")[0]).id
    record.uri = plan["uri"]
    files = places.listing(ctx, record.workspace, record.uri)
    record.fingerprint = plan.get("identity") or (files.root if files is not None else None)
    if files is None:  # remote: its fingerprint is taken when a job first reads it
        return
    record.facts = {"files": len(files.entries), "bytes": files.size}
    stored = record.uri.startswith("content://")
    if not stored and record.kind == "data" and record.fingerprint == files.root:
        source.keep(ctx, files)
    if record.kind == "model":
        if stored:
            record.facts |= facts_of_stored_model(files, ctx.content.open) or facts(of_stored(ctx, files))
        else:
            local = places.local_path(ctx, record.workspace, record.uri, [])
            record.facts |= facts_of_model(local) or facts(of_folder(files, local))


def _check(ctx: Context, record: AssetRecord) -> None:
    """A component must resolve (its environment, the components it names), an environment must be one we can make."""
    with ctx.db.read() as connection:
        scope = Scope(ctx, connection, record.workspace)
        if record.kind == "environment":
            environment_of(scope, record.spec, record.name)
        elif record.type == "command":
            given = {port: _example(item) for port, item in (record.spec.get("inputs") or {}).items()}
            resolve(scope, {"type": "command", "component": record.spec, "inputs": given})


def _example(item: dict[str, Any]) -> Any:
    """Any value that fits a declared input, so that the rest of the component can be checked without one."""
    if item.get("default") is not None or item.get("optional"):
        return None
    if item.get("enum"):
        return item["enum"][0]
    number = item.get("min", item.get("max", 0))
    types = {"string": "x", "integer": number, "number": number, "boolean": True}
    return types.get(str(item.get("type")), {"type": item.get("type"), "path": "https://example.org/x"})
