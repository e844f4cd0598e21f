"""What is said of a model's name, with or without versions. The versions are assets of kind `model`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from zaffre.base.clock import now_ms
from zaffre.base.errors import NotFound
from zaffre.store import assets
from zaffre.store.assets import AssetRecord
from zaffre.store.db import Database
from zaffre.store.tables.assets import asset_labels, asset_versions, registered_models
from zaffre.store.tables.audit import promotion_rules

KIND = "model"
R, V, L = registered_models.c, asset_versions.c, asset_labels.c


@dataclass(frozen=True)
class RegisteredModel:
    name: str
    description: str | None
    tags: dict[str, str]
    created_at: int
    changed_at: int
    versions: list[AssetRecord] = field(default_factory=list)  # newest first; of a search only the newest
    aliases: dict[str, str] = field(default_factory=dict)  # alias -> version


def add(
    db: Database, connection: Connection, workspace: str, name: str, description: str | None, tags: Mapping[str, str]
) -> bool:
    """False when the name is there already, be it only by its versions. Archived ones alone do not show a name."""
    if assets.versions(connection, workspace, KIND, name, archived=False, limit=1):
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
    """All models, or the one of this name, by name; each with all of its versions."""
    rows, versions = _rows(workspace), _versions(workspace)
    if name is not None:
        rows, versions = rows.where(R.name == name), versions.where(V.name == name)
    made = [AssetRecord(*row) for row in connection.execute(versions)]
    aliases = {name: aliases_of(connection, workspace, name)} if name is not None else _aliases(connection, workspace)
    return _together(connection.execute(rows), made, aliases)


def newest(connection: Connection, workspace: str, names: Sequence[str]) -> list[RegisteredModel]:
    """The models of these names, by name; each with its newest version alone."""
    last = select(func.max(V.id)).where(V.workspace == workspace, V.kind == KIND, V.archived.is_(False))
    last = last.where(V.name.in_(names)).group_by(V.name)
    made = [AssetRecord(*row) for row in connection.execute(select(*assets.COLUMNS).where(V.id.in_(last)))]
    rows = connection.execute(_rows(workspace).where(R.name.in_(names)))
    return _together(rows, made, _aliases(connection, workspace, names))


def _rows(workspace: str) -> Any:
    return select(R.name, R.description, R.tags, R.created_at, R.changed_at).where(R.workspace == workspace)


def _versions(workspace: str) -> Any:
    listed = (V.workspace == workspace, V.kind == KIND, V.archived.is_(False))
    return select(*assets.COLUMNS).where(*listed).order_by(V.id.desc())


def _together(rows: Any, versions: list[AssetRecord], aliases: dict[str, dict[str, str]]) -> list[RegisteredModel]:
    made: dict[str, list[AssetRecord]] = {}
    for record in versions:
        made.setdefault(record.name, []).append(record)
    said = {row[0]: row for row in rows}
    found = []
    for model in sorted(made.keys() | said.keys()):
        there = made.get(model, [])
        first = there[-1].created_at if there else 0
        _, description, tags, created, changed = said.get(model, (model, None, {}, first, first))
        last = max([changed, *(record.changed_at for record in there)])
        found.append(RegisteredModel(model, description, tags, created, last, there, aliases.get(model, {})))
    return found


def aliases_of(connection: Connection, workspace: str, name: str) -> dict[str, str]:
    """alias -> version."""
    return _aliases(connection, workspace, [name]).get(name, {})


def _aliases(connection: Connection, workspace: str, names: Sequence[str] | None = None) -> dict[str, dict[str, str]]:
    query = select(L.name, L.label, L.version).where(L.workspace == workspace, L.kind == KIND)
    found: dict[str, dict[str, str]] = {}
    for model, label, version in connection.execute(query if names is None else query.where(L.name.in_(names))):
        found.setdefault(model, {})[label] = version
    return found


def labels_of(connection: Connection, workspace: str, names: Sequence[str]) -> dict[tuple[str, str], list[str]]:
    """(name, version) -> its aliases, sorted."""
    found: dict[tuple[str, str], list[str]] = {}
    for name, aliases in _aliases(connection, workspace, names).items():
        for alias, version in sorted(aliases.items()):
            found.setdefault((name, version), []).append(alias)
    return found


def change(db: Database, connection: Connection, workspace: str, name: str, values: Mapping[str, Any]) -> None:
    """Description and tags."""
    _add(db, connection, workspace, name, None, {})
    where = (R.workspace == workspace, R.name == name)
    connection.execute(update(registered_models).where(*where).values(**values, changed_at=now_ms()))


def remove(connection: Connection, workspace: str, name: str) -> None:
    """The name, with the rules of its aliases."""
    rules = promotion_rules.c
    connection.execute(delete(promotion_rules).where(rules.workspace == workspace, rules.name == name))
    connection.execute(delete(registered_models).where(R.workspace == workspace, R.name == name))


def remove_alias(connection: Connection, workspace: str, name: str, alias: str) -> None:
    where = (L.workspace == workspace, L.kind == KIND, L.name == name, L.label == alias)
    connection.execute(delete(asset_labels).where(*where))
