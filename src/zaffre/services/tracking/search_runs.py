"""Search runs in MLflow's filter language."""

from __future__ import annotations

from collections.abc import Sequence

from zaffre.core.run_status import MEANING
from zaffre.core.search_filter import RUNS, parse_filter, parse_order
from zaffre.services.context import Context
from zaffre.services.tracking.artifacts import RUN_ROOT
from zaffre.services.tracking.experiment import DEFAULT_ID, DEFAULT_NAME, number
from zaffre.services.tracking.pages import offset_of, size_of, token_of
from zaffre.services.tracking.run import Run, load
from zaffre.services.tracking.values import wrong
from zaffre.store import experiments, run_search


def search_runs(
    context: Context,
    workspace: str,
    experiment_ids: Sequence[str],
    *,
    filter_text: str | None = None,
    orders: Sequence[str] = (),
    deleted: bool | None = False,
    max_results: int | None = None,
    page_token: str | None = None,
) -> tuple[list[Run], str | None]:
    """A page of runs with all they logged, and the token of the next one. `deleted` None: both kinds."""
    clauses = parse_filter(filter_text, RUNS)
    parsed = [parse_order(order, RUNS) for order in orders]
    if len({(order.entity, order.key) for order in parsed}) != len(parsed):
        raise wrong(f"`order_by` contains duplicate fields: {list(orders)}")
    size, offset = size_of(max_results, 1000, 50_000), offset_of(page_token)
    with context.db.read() as connection:
        ids = [number(id_) for id_ in experiment_ids if id_ != DEFAULT_ID]
        if DEFAULT_ID in experiment_ids and (default := experiments.find(connection, workspace, DEFAULT_NAME)):
            ids.append(default.id)
        records = run_search.search(
            context.db,
            connection,
            workspace,
            ids,
            clauses=clauses,
            orders=parsed,
            deleted=deleted,
            statuses=MEANING,
            artifact_root=RUN_ROOT,
            limit=size + 1,
            offset=offset,
        )
        token = token_of(offset + size) if len(records) > size else None
        return load(connection, workspace, records[:size]), token
