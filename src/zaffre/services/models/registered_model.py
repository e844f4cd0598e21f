"""Registered models as MLflow has them: a name that may be described before it has a version."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from zaffre.base.errors import Conflict
from zaffre.core.search_filter import MODELS, parse_filter, parse_order
from zaffre.services.context import Context
from zaffre.services.models.model_version import refuse_if_used
from zaffre.services.tracking.matches import Lookup, matches, ordered
from zaffre.services.tracking.pages import offset_of, size_of, token_of
from zaffre.services.tracking.values import wrong
from zaffre.store import assets, registered_models, resources
from zaffre.store.registered_models import RegisteredModel

_NAME = re.compile(r"[^/:\\\x00-\x1f]{1,255}")
_ALIAS = re.compile(r"[\w-]{1,255}")


def create_registered_model(
    context: Context, workspace: str, name: str, *, description: str | None = None, tags: Mapping[str, str]
) -> RegisteredModel:
    """Raises `Conflict` when the name is taken."""
    checked_name(name)
    with context.db.write() as connection:
        resources.get_workspace(connection, workspace)
        if not registered_models.add(context.db, connection, workspace, name, description, tags):
            raise Conflict(
                f"Registered Model (name={name}) already exists", code="ModelExists", hint="create a version of it"
            )
        return registered_models.get(connection, workspace, name)


def checked_name(name: str) -> None:
    """Raises `InvalidRequest` for a name that no model may have."""
    if not _NAME.fullmatch(name) or name in (".", "..") or name.strip() != name:
        raise wrong(f"Invalid model name {name!r:.100}: it has 1 to 255 characters, none of them / : or \\")


def get_registered_model(context: Context, workspace: str, name: str) -> RegisteredModel:
    """Raises `NotFound`."""
    with context.db.read() as connection:
        return registered_models.get(connection, workspace, name)


def update_registered_model(
    context: Context,
    workspace: str,
    name: str,
    *,
    description: str | None = None,
    tags: Mapping[str, str | None] | None = None,
) -> RegisteredModel:
    """A tag of None is removed."""
    with context.db.write() as connection:
        model = registered_models.get(connection, workspace, name)
        merged = {key: value for key, value in {**model.tags, **(tags or {})}.items() if value is not None}
        values = {"tags": merged} | ({} if description is None else {"description": description})
        registered_models.change(context.db, connection, workspace, name, values)
        return registered_models.get(connection, workspace, name)


def delete_registered_model(context: Context, workspace: str, name: str) -> None:
    """With all of its versions. Raises `NotFound`, or `Conflict` while a living job uses one."""
    with context.db.write() as connection:
        for record in registered_models.get(connection, workspace, name).versions:
            refuse_if_used(connection, record)
            assets.remove(connection, record)
        registered_models.remove(connection, workspace, name)


def search_registered_models(
    context: Context,
    workspace: str,
    *,
    filter_text: str | None = None,
    orders: Sequence[str] = (),
    max_results: int | None = None,
    page_token: str | None = None,
) -> tuple[list[RegisteredModel], str | None]:
    """A page, by name unless ordered otherwise, and the token of the next one."""
    clauses = parse_filter(filter_text, MODELS)
    parsed = [parse_order(order, MODELS) for order in orders]
    size, offset = size_of(max_results, 100, 1000), offset_of(page_token)
    with context.db.read() as connection:
        found = registered_models.every(connection, workspace)
    found = ordered([model for model in found if matches(_lookup(model), clauses)], _lookup, parsed)
    return found[offset : offset + size], token_of(offset + size) if len(found) > offset + size else None


def _lookup(model: RegisteredModel) -> Lookup:
    def value(entity: str, key: str) -> Any:
        if entity == "tag":
            # Clients ask for models that are no prompts by a tag that models do not have.
            return model.tags.get(key, "false" if key == "mlflow.prompt.is_prompt" else None)
        return {"name": model.name, "creation_timestamp": model.created_at}.get(key, model.changed_at)

    return value


def set_alias(context: Context, workspace: str, name: str, alias: str, version: str) -> None:
    """The alias points to this version from now on. Raises `NotFound`."""
    if not _ALIAS.fullmatch(alias) or alias.lower() == "latest" or re.fullmatch(r"[vV]\d+", alias):
        raise wrong(f"Invalid alias {alias!r:.100}: letters, digits, _ and -; 'latest' and v<number> are reserved")
    with context.db.write() as connection:
        record = assets.get(connection, workspace, registered_models.KIND, name, version)
        assets.set_label(context.db, connection, record, alias)


def delete_alias(context: Context, workspace: str, name: str, alias: str) -> None:
    with context.db.write() as connection:
        registered_models.get(connection, workspace, name)
        registered_models.remove_alias(connection, workspace, name, alias)
