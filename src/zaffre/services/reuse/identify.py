"""The content behind each address of a plan: what steps are keyed by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from zaffre.base.errors import Conflict
from zaffre.services import places
from zaffre.services.context import Context


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
        if not _must_look(item):
            continue
        uri = item["uri"]
        if uri not in known:
            known[uri] = places.identity(ctx, workspace, uri)
        if item.get("identity") not in (None, known[uri]):
            name = item["asset"].partition(":")[2]
            raise Conflict(
                f"the source of data asset {name} has changed since it was registered: {uri}",
                code="SourceChanged",
                hint=f"look: zaffre data check --name {name.rpartition(':')[0]}; then create a new version of it",
            )
        item["identity"] = known[uri]
    return plan
