"""What may change of a version: description, tags, properties, labels, whether it is listed. Or it is deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zaffre.base.clock import now_ms
from zaffre.base.errors import Conflict, InvalidRequest, NotFound
from zaffre.services.assets.show import find
from zaffre.services.assets.view import STAGE, views
from zaffre.services.audit.record import record as remember
from zaffre.services.context import Context
from zaffre.services.models.alias import point
from zaffre.services.models.in_use import refuse_if_ruled, refuse_if_used
from zaffre.store import assets, registered_models
from zaffre.wire.assets import AssetVersion, AssetView, UpdateAsset
from zaffre.wire.operation import Empty


def updater(kind: str) -> Callable[[Context, UpdateAsset], AssetView]:
    def update(ctx: Context, request: UpdateAsset) -> AssetView:
        with ctx.db.write() as connection:
            record = find(connection, kind, request)
            values: dict[str, Any] = {"changed_at": now_ms()}
            if "description" in request.model_fields_set:
                values["description"] = record.description = request.description
            for field in ("tags", "properties"):
                changes = getattr(request, field)
                if changes is not None:
                    merged = {**getattr(record, field), **changes}
                    values[field] = {key: item for key, item in merged.items() if item is not None and key != STAGE}
                    setattr(record, field, values[field])
            changed = request.model_dump(include={"description", "tags", "properties"}, exclude_unset=True)
            if changed:
                remember(ctx, connection, record.workspace, kind, record.name, "update", version=record.version,
                         after=changed)  # fmt: skip
            assets.change(connection, record, values)
            for label in request.labels or ():
                if label == "latest":
                    raise InvalidRequest("the label latest always points to the newest version", code="LabelReserved")
                if kind == registered_models.KIND:
                    point(ctx, connection, record, label)
                else:
                    assets.set_label(ctx.db, connection, record, label)
            return views(connection, [record])[0]

    return update


def archiver(kind: str, archived: bool) -> Callable[[Context, AssetVersion], Empty]:
    """Archived versions are not listed and `latest` passes them by; jobs that name them still find them."""

    def archive(ctx: Context, request: AssetVersion) -> Empty:
        with ctx.db.write() as connection:
            version = find(connection, kind, request).version if request.label else request.version
            if not assets.set_archived(connection, request.workspace, kind, request.name, version, archived):
                what = f"{request.name}:{version}" if version else request.name
                raise NotFound(f"{kind} {what} not found", code="AssetNotFound", hint=f"zaffre {kind} list")
            action = "archive" if archived else "restore"
            remember(ctx, connection, request.workspace, kind, request.name, action, version=version)
        return Empty()

    return archive


def deleter(kind: str) -> Callable[[Context, AssetVersion], Empty]:
    """Raises `Conflict` while something depends on it, naming what."""

    def delete(ctx: Context, request: AssetVersion) -> Empty:
        with ctx.db.write() as connection:
            if request.version is None and request.label is None:
                records = assets.versions(connection, request.workspace, kind, request.name)
            else:
                records = [find(connection, kind, request)]
            if not records:
                raise NotFound(f"{kind} {request.name} not found", code="AssetNotFound", hint=f"zaffre {kind} list")
            for record in records:
                ref = f"{record.name}:{record.version}"
                users = [job for edge, job, _ in assets.edges_of(connection, record) if edge.direction == "input"]
                if users:
                    raise Conflict(
                        f"{kind} {ref} was used by job {users[-1]}",
                        code="AssetInUse",
                        hint=f"hide it instead: zaffre {kind} archive --name {record.name} --version {record.version}",
                    )
                if kind == registered_models.KIND:
                    refuse_if_used(connection, record)
                    if request.version or request.label:
                        refuse_if_ruled(connection, record)
                assets.remove(connection, record)
                remember(ctx, connection, record.workspace, kind, record.name, "delete", version=record.version)
            if kind == registered_models.KIND and not assets.versions(
                connection, request.workspace, kind, request.name, limit=1
            ):
                registered_models.remove(connection, request.workspace, request.name)
                remember(ctx, connection, request.workspace, kind, request.name, "delete")
        return Empty()

    return delete
