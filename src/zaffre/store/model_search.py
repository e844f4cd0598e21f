"""The searches for registered models and their versions: clauses of the filter language as SQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import BigInteger, Connection, String, and_, case, cast, func, literal, null, select, union_all
from sqlalchemy.sql.elements import ColumnElement

from zaffre.core.search_filter import Clause, Order
from zaffre.store import assets, registered_models
from zaffre.store.assets import AssetRecord
from zaffre.store.compare import compare
from zaffre.store.db import Database
from zaffre.store.registered_models import KIND, RegisteredModel
from zaffre.store.tables.assets import asset_versions
from zaffre.store.tables.assets import registered_models as models
from zaffre.store.tables.jobs import jobs

R, V = models.c, asset_versions.c
SOURCE, PROMPT = "mlflow.source", "mlflow.prompt.is_prompt"
Column = Callable[[str, str], ColumnElement[Any]]  # (entity, key) -> what is compared


def search_models(
    db: Database,
    connection: Connection,
    workspace: str,
    *,
    clauses: Sequence[Clause],
    orders: Sequence[Order],
    limit: int,
    offset: int,
) -> list[RegisteredModel]:
    """A page of models, by name unless ordered otherwise, each with its newest version only."""
    said = select(R.name, R.changed_at, R.created_at.label("said_at"), cast(null(), BigInteger).label("first_at"))
    made = select(V.name, V.changed_at, cast(null(), BigInteger), V.created_at)
    listed = (V.workspace == workspace, V.kind == KIND, V.archived.is_(False))
    both = union_all(said.where(R.workspace == workspace), made.where(*listed)).subquery()
    B = both.c
    every = (
        select(B.name, func.max(B.changed_at).label("changed_at"),
               func.coalesce(func.max(B.said_at), func.min(B.first_at)).label("created_at"))
        .group_by(B.name).subquery()
    )  # fmt: skip
    columns = {"name": every.c.name, "creation_timestamp": every.c.created_at}

    def column(entity: str, key: str) -> ColumnElement[Any]:
        return _tag(db, R.tags, key) if entity == "tag" else columns.get(key, every.c.changed_at)

    query = select(every.c.name).join_from(
        every, models, and_(R.workspace == workspace, R.name == every.c.name), isouter=True
    )
    query = _page(db, query, column, clauses, orders).order_by(every.c.name).limit(limit).offset(offset)
    names = list(connection.execute(query).scalars())
    found = {model.name: model for model in registered_models.newest(connection, workspace, names)}
    return [found[name] for name in names]


def search_versions(
    db: Database,
    connection: Connection,
    workspace: str,
    *,
    clauses: Sequence[Clause],
    orders: Sequence[Order],
    limit: int,
    offset: int,
) -> list[AssetRecord]:
    """A page of versions, newest first unless ordered otherwise."""
    digits = V.version.op("NOT GLOB")("*[^0-9]*") if db.is_sqlite else V.version.op("~")("^[0-9]+$")
    columns: dict[str, ColumnElement[Any]] = {
        "name": V.name,
        "run_id": select(jobs.c.name).where(jobs.c.id == V.job_id).correlate(asset_versions).scalar_subquery(),
        "source_path": func.coalesce(func.nullif(_field(db, V.properties, SOURCE), ""), V.uri, literal("", String)),
        "version_number": case((and_(digits, func.length(V.version) <= 18), cast(V.version, BigInteger))),
        "creation_timestamp": V.created_at,
    }

    def column(entity: str, key: str) -> ColumnElement[Any]:
        return _tag(db, V.tags, key) if entity == "tag" else columns.get(key, V.changed_at)

    query = select(*assets.COLUMNS).where(V.workspace == workspace, V.kind == KIND, V.archived.is_(False))
    query = _page(db, query, column, clauses, orders).order_by(V.id.desc()).limit(limit).offset(offset)
    return [AssetRecord(*row) for row in connection.execute(query)]


def _page(db: Database, query: Any, column: Column, clauses: Sequence[Clause], orders: Sequence[Order]) -> Any:
    """What has no value comes last in either direction."""
    for clause in clauses:
        query = query.where(compare(db.is_sqlite, column(clause.entity, clause.key), clause.op, clause.value))
    for order in orders:
        value = column(order.entity, order.key)
        query = query.order_by(case((value.is_(None), 1), else_=0), value.asc() if order.ascending else value.desc())
    return query


def _tag(db: Database, tags: ColumnElement[Any], key: str) -> ColumnElement[Any]:
    """Clients ask for models that are no prompts by a tag that models do not have."""
    value = _field(db, tags, key)
    return func.coalesce(value, "false") if key == PROMPT else value


def _field(db: Database, document: ColumnElement[Any], key: str) -> ColumnElement[Any]:
    """A text of a JSON object by its key, whatever characters that holds: it is never part of a path."""
    if not db.is_sqlite:
        return document.op("->>", return_type=String())(key)
    each = func.json_each(document).table_valued("key", "value")
    return select(cast(each.c.value, String)).where(each.c.key == key).scalar_subquery()
