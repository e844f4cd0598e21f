"""Show a version, list names or versions, and what made and used them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

from zaffre.base.errors import InvalidRequest, NotFound
from zaffre.core.environment import catalogue
from zaffre.core.environment.definition import EnvironmentDefinition
from zaffre.services.assets.view import tags_of, views
from zaffre.services.context import Context
from zaffre.services.jobs.show import ARCHIVED
from zaffre.store import assets
from zaffre.store import jobs as job_store
from zaffre.store.resources import get_workspace
from zaffre.wire.assets import AssetList, AssetRef, AssetView, LineageEdge, LineageView, ListAssets


def shower(kind: str) -> Callable[[Context, AssetRef], AssetView]:
    def show(ctx: Context, request: AssetRef) -> AssetView:
        with ctx.db.read() as connection:
            try:
                return views(connection, [find(connection, kind, request)])[0]
            except NotFound:
                if kind == "environment" and (known := _curated_named(request.name)):
                    return known[0]
                raise

    return show


def find(connection: Connection, kind: str, request: AssetRef) -> assets.AssetRecord:
    """Raises `NotFound`, or `InvalidRequest` when both a version and a label are given."""
    if request.version is not None and request.label is not None:
        raise InvalidRequest("give a version or a label, not both")
    return assets.get(connection, request.workspace, kind, request.name, request.version, request.label)


def lister(kind: str) -> Callable[[Context, ListAssets], AssetList]:
    def list_assets(ctx: Context, request: ListAssets) -> AssetList:
        archived = ARCHIVED[request.listed]
        with ctx.db.read() as connection:
            get_workspace(connection, request.workspace)
            if request.name:
                records = assets.versions(
                    connection, request.workspace, kind, request.name, archived, request.max_results
                )
            else:
                records = assets.newest_of_each(connection, request.workspace, kind, archived, request.max_results)
            if request.tag:
                key, _, value = request.tag.partition("=")
                tagged = [(item, tags_of(item)) for item in records]
                records = [item for item, tags in tagged if key in tags and (not value or str(tags[key]) == value)]
            items = views(connection, records)
        if kind == "environment" and not request.tag and request.listed != "archived":
            if not request.name:
                items += [_curated(definition) for definition in catalogue.listing()]
            elif not items:
                items = _curated_named(request.name)
        return AssetList(items=items)

    return list_assets


def _curated_named(name: str) -> list[AssetView]:
    """As the catalogue spells it: other spellings are understood in documents only."""
    return [_curated(definition) for definition in catalogue.listing() if definition.name == name]


def _curated(definition: EnvironmentDefinition) -> AssetView:
    document: dict[str, Any] = {
        "requirements": list(definition.requirements),
        "python_version": definition.python_version,
    }
    return AssetView(
        **document,
        name=str(definition.name),
        version=definition.version or "1",
        description="curated",
        properties={"curated": "true"},
    )


def tracer(kind: str) -> Callable[[Context, AssetRef], LineageView]:
    """What made a version, and what used it."""

    def lineage(ctx: Context, request: AssetRef) -> LineageView:
        with ctx.db.read() as connection:
            record = find(connection, kind, request)
            edges = assets.edges_of(connection, record)
            made = [edge for edge in edges if edge[0].direction == "output"]
            if record.job_id and not made:
                job = job_store.by_ids(connection, [record.job_id]).get(record.job_id)
                if job:
                    made = [
                        (
                            assets.Edge(job.id, "output", "", kind, f"{record.name}:{record.version}"),
                            job.name,
                            job.status,
                        )
                    ]
            used = [edge for edge in edges if edge[0].direction == "input"]
        return LineageView(made_by=[_edge(*item) for item in made], used_by=[_edge(*item) for item in used])

    return lineage


def _edge(edge: assets.Edge, job: str, status: str) -> LineageEdge:
    return LineageEdge(
        job=job, job_status=status, direction=edge.direction, port=edge.port, kind=edge.kind, ref=edge.ref
    )
