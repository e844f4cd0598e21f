"""Registered models as MLflow has them: a name that may be described before it has a version."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from zaffre.base.errors import Conflict
from zaffre.core.search_filter import parse_filter, parse_order
from zaffre.core.search_grammar import MODELS
from zaffre.services.audit.record import record as remember
from zaffre.services.context import Context
from zaffre.services.models.alias import point, remove
from zaffre.services.models.in_use import refuse_if_used
from zaffre.services.tracking.pages import offset_of, size_of, token_of
from zaffre.services.tracking.values import wrong
from zaffre.store import assets, model_search, registered_models, resources
from zaffre.store.registered_models import RegisteredModel

_NAME = re.compile(r"[^/:\\\x00-\x1f]{1,255}")


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
    """With all of its versions, the archived too. Raises `NotFound`, or `Conflict` while something uses one."""
    with context.db.write() as connection:
        registered_models.get(connection, workspace, name)
        for record in assets.versions(connection, workspace, registered_models.KIND, name):
            refuse_if_used(connection, record)
            assets.remove(connection, record)
            remember(context, connection, workspace, record.kind, name, "delete", version=record.version)
        registered_models.remove(connection, workspace, name)
        remember(context, connection, workspace, registered_models.KIND, name, "delete")


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
        found = model_search.search_models(
            context.db, connection, workspace, clauses=clauses, orders=parsed, limit=size + 1, offset=offset
        )
    return found[:size], token_of(offset + size) if len(found) > size else None


def set_alias(context: Context, workspace: str, name: str, alias: str, version: str) -> None:
    """The alias points to this version from now on. Raises `NotFound`, or `Conflict` when a rule guards the alias."""
    with context.db.write() as connection:
        point(context, connection, assets.get(connection, workspace, registered_models.KIND, name, version), alias)


def delete_alias(context: Context, workspace: str, name: str, alias: str) -> None:
    with context.db.write() as connection:
        remove(context, connection, workspace, name, alias, None, force=False)
