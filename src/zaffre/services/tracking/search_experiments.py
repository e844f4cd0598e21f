"""Search experiments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zaffre.core.search_filter import parse_filter, parse_order
from zaffre.core.search_grammar import EXPERIMENTS
from zaffre.services.context import Context
from zaffre.services.tracking.experiment import shown_id
from zaffre.services.tracking.get_experiment import get_experiment_by_name
from zaffre.services.tracking.matches import Lookup, matches, ordered
from zaffre.services.tracking.pages import offset_of, size_of, token_of
from zaffre.store import experiments
from zaffre.store.experiments import ExperimentRecord


def search_experiments(
    context: Context,
    workspace: str,
    *,
    filter_text: str | None = None,
    orders: Sequence[str] = (),
    deleted: bool | None = False,
    max_results: int | None = None,
    page_token: str | None = None,
) -> tuple[list[ExperimentRecord], str | None]:
    """A page, newest first unless ordered otherwise, and the token of the next one. `deleted` None: both kinds."""
    clauses = parse_filter(filter_text, EXPERIMENTS)
    parsed = [parse_order(order, EXPERIMENTS) for order in orders]
    size, offset = size_of(max_results, 1000, 50_000), offset_of(page_token)
    get_experiment_by_name(context, workspace, "Default")
    with context.db.read() as connection:
        found = experiments.every(connection, workspace)
    found = [item for item in found if deleted is None or item.deleted is deleted]
    found = ordered([item for item in found if matches(_lookup(item), clauses)], _lookup, parsed)
    page = found[offset : offset + size]
    return page, token_of(offset + size) if len(found) > offset + size else None


def _lookup(record: ExperimentRecord) -> Lookup:
    def value(entity: str, key: str) -> Any:
        if entity == "tag":
            return record.tags.get(key)
        shown = {"name": record.name, "experiment_id": shown_id(record), "creation_time": record.created_at}
        return shown.get(key, record.changed_at)

    return value
