"""What is said of a model's name, with or without versions. The versions are assets of kind `model`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, delete, select, update

from zaffre.base.clock import now_ms
from zaffre.base.errors import NotFound
from zaffre.store import assets
from zaffre.store.assets import AssetRecord
from zaffre.store.db import Database
from zaffre.store.tables.assets import asset_labels, asset_versions, registered_models

KIND = "model"
R, V, L = registered_models.c, asset_versions.c, asset_labels.c


@dataclass(frozen=True)
class RegisteredModel:
    name: str
    description: str | None
    tags: dict[str, str]
    created_at: int
    changed_at: int
    versions: list[AssetRecord] = field(default_factory=list)  # newest first
    aliases: dict[str, str] = field(default_factory=dict)  # alias -> version


def add(
    db: Database, connection: Connection, workspace: str, name: str, description: str | None, tags: Mapping[str, str]
) -> bool:
    """False when the name is there already, be it only by its versions."""
    if assets.versions(connection, workspace, KIND, name, limit=1):
        return False
    return _add(db, connection, workspace, name, description, tags)


def _add(
    db: Database, connection: Connection, workspace: str, name: str, description: str | None, tags: Mapping[str, str]
) -> bool:
    now = now_ms()
    statement = db.insert(registered_models).values(
        workspace=workspace, name=name, description=description, tags=dict(tags), created_at=now, changed_at=now
    )
    statement = statement.on_conflict_do_nothing(index_elements=["workspace", "name"]).returning(R.name)
    return connection.execute(statement).first() is not None


def get(connection: Connection, workspace: str, name: str) -> RegisteredModel:
    """Raises `NotFound`."""
    found = every(connection, workspace, name)
    if not found:
        raise NotFound(
            f"Registered Model with name={name} not found", code="ModelNotFound", hint="search_registered_models()"
        )
    return found[0]


def every(connection: Connection, workspace: str, name: str | None = None) -> list[RegisteredModel]:
    """All models, or the one of this name, by name."""
    rows = select(R.name, R.description, R.tags, R.created_at, R.changed_at).where(R.workspace == workspace)
    labels = select(L.name, L.label, L.version).where(L.workspace == workspace, L.kind == KIND)
    versions = select(*assets.COLUMNS).where(V.workspace == workspace, V.kind == KIND, V.archived.is_(False))
    if name is not None:
        rows, labels, versions = (
            rows.where(R.name == name),
            labels.where(L.name == name),
            versions.where(V.name == name),
        )
    made: dict[str, list[AssetRecord]] = {}
    for row in connection.execute(versions.order_by(V.id.desc())):
        record = AssetRecord(*row)
        made.setdefault(record.name, []).append(record)
    aliases: dict[str, dict[str, str]] = {}
    for model, label, version in connection.execute(labels):
        aliases.setdefault(model, {})[label] = version
    said = {row[0]: row for row in connection.execute(rows)}
    found = []
    for model in sorted(made.keys() | said.keys()):
        there = made.get(model, [])
        first = there[-1].created_at if there else 0
        _, description, tags, created, changed = said.get(model, (model, None, {}, first, first))
        last = max([changed, *(record.changed_at for record in there)])
        found.append(RegisteredModel(model, description, tags, created, last, there, aliases.get(model, {})))
    return found


def change(db: Database, connection: Connection, workspace: str, name: str, values: Mapping[str, Any]) -> None:
    """Description and tags."""
    _add(db, connection, workspace, name, None, {})
    where = (R.workspace == workspace, R.name == name)
    connection.execute(update(registered_models).where(*where).values(**values, changed_at=now_ms()))


def remove(connection: Connection, workspace: str, name: str) -> None:
    connection.execute(delete(registered_models).where(R.workspace == workspace, R.name == name))


def remove_alias(connection: Connection, workspace: str, name: str, alias: str) -> None:
    where = (L.workspace == workspace, L.kind == KIND, L.name == name, L.label == alias)
    connection.execute(delete(asset_labels).where(*where))
