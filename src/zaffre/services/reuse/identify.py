"""The content behind each address of a plan: what steps are keyed by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from zaffre.base.errors import Conflict
from zaffre.services import places
from zaffre.services.context import Context
from zaffre.services.data import source
from zaffre.store import assets


def _open(plan: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Inputs with an address, of the plan and of all nodes below it."""
    for item in (plan.get("inputs") or {}).values():
        if "uri" in item:
            yield item
    for node in (plan.get("nodes") or {}).values():
        yield from _open(node)


def unidentified(plan: Mapping[str, Any]) -> bool:
    """Whether any address has to be looked at before steps can be keyed.

    An address that came as an asset is looked at even though its fingerprint is known: its source may have changed.
    """
    return any(_must_look(item) for item in _open(plan))


def _must_look(item: Mapping[str, Any]) -> bool:
    return "identity" not in item or (
        str(item.get("asset", "")).startswith("data:") and not item["uri"].startswith("content://")
    )


def identify(ctx: Context, workspace: str, plan: dict[str, Any]) -> dict[str, Any]:
    """The same plan with every identity filled in. Raises `Conflict` naming an asset whose source has changed."""
    known: dict[str, str] = {}
    for item in _open(plan):
        if _must_look(item):
            _identify(ctx, workspace, item, known)
    return plan


def guard(ctx: Context, workspace: str, plan: dict[str, Any]) -> None:
    """Before a job reads: every data asset among its inputs is what it was when it was made.

    Raises `Conflict` naming the asset and what changed.
    """
    known: dict[str, str] = {}
    for item in guarded(plan):
        _identify(ctx, workspace, item, known)


def guarded(plan: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The inputs whose source somebody may have changed behind a version."""
    return [item for item in _open(plan) if _must_look(item) and str(item.get("asset", "")).startswith("data:")]


def _identify(ctx: Context, workspace: str, item: dict[str, Any], known: dict[str, str]) -> None:
    uri, asset = item["uri"], str(item.get("asset", ""))
    if uri not in known:
        known[uri] = places.identity(ctx, workspace, uri)
    if asset.startswith("data:"):
        name, _, version = asset.removeprefix("data:").rpartition(":")
        if "identity" not in item:  # the first to read it says what it is from now on
            item["identity"] = _first(ctx, workspace, name, version, known[uri])
        if item["identity"] != known[uri]:
            what = source.in_words(source.changes(ctx, workspace, uri, item["identity"]))
            raise Conflict(
                f"the source of data asset {name}:{version} has changed since it was registered: {uri}: {what}",
                code="SourceChanged",
                hint=f"look: zaffre data check --name {name} --version {version}; then create a new version of it",
            )
    item["identity"] = known[uri]


def _first(ctx: Context, workspace: str, name: str, version: str, now: str) -> str:
    """The fingerprint of a version: what it had, else what it gets now."""
    with ctx.db.write() as connection:
        record = assets.find(connection, workspace, "data", name, version)
        if record is None:
            return now
        if record.fingerprint is None:
            assets.change(connection, record, {"fingerprint": now})
        return record.fingerprint or now
