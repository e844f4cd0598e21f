"""Models in a list: their aliases, and how good the champion, or each version, was measured to be."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from zaffre.services.assets.show import lister
from zaffre.services.context import Context
from zaffre.store import approvals, assets, metrics
from zaffre.store import jobs as job_store
from zaffre.wire.assets import AssetList, AssetView, ListAssets

CHAMPION = "champion"
METRICS = 12  # of each version; its own page shows all

list_plain = lister("model")


def list_models(ctx: Context, request: ListAssets) -> AssetList:
    """Of each name the newest version, with `aliases` and the `champion`; of one name every version with `metrics`."""
    found = list_plain(ctx, request)
    with ctx.db.read() as connection:
        if request.name:
            return AssetList(items=_versions(connection, request.workspace, found.items), cursor=found.cursor)
        return AssetList(items=_names(connection, request.workspace, found.items), cursor=found.cursor)


def _versions(connection: Connection, workspace: str, items: list[AssetView]) -> list[AssetView]:
    if not items:
        return items
    makers = assets.makers_of(connection, workspace, "model", items[0].name)
    known = _metrics(connection, set(makers.values()))
    states = approvals.of_name(connection, workspace, "model", items[0].name)
    return [
        _with(item, metrics=known.get(makers.get(item.version, 0)), approval=states.get(item.version)) for item in items
    ]


def _names(connection: Connection, workspace: str, items: list[AssetView]) -> list[AssetView]:
    aliases: dict[str, dict[str, str]] = {}
    champions: dict[str, tuple[str, int]] = {}
    for name, label, version, job in assets.labels_of_kind(connection, workspace, "model"):
        aliases.setdefault(name, {})[label] = version
        if label == CHAMPION:
            champions[name] = (version, job or 0)
    known = _metrics(connection, {job for _, job in champions.values() if job})
    shown = []
    for item in items:
        version, job = champions.get(item.name, ("", 0))
        champion = {"version": version, "metrics": known.get(job) or {}} if version else None
        shown.append(_with(item, aliases=aliases.get(item.name), champion=champion))
    return shown


def _metrics(connection: Connection, jobs: set[int]) -> dict[int, dict[str, float]]:
    """Latest values by job; of a reused step those of the real one."""
    real = job_store.real_ones(connection, jobs)
    found = metrics.last_values(connection, sorted(set(real.values())))
    return {job: dict(list(found.get(ran, {}).items())[:METRICS]) for job, ran in real.items()}


def _with(item: AssetView, **more: Any) -> AssetView:
    return AssetView(**{**item.model_dump(), **{key: value for key, value in more.items() if value}})
