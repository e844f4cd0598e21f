"""Search runs in MLflow's filter language."""

from __future__ import annotations

from collections.abc import Sequence

from zaffre.base.errors import InvalidRequest
from zaffre.core.run_status import MEANING
from zaffre.core.search_filter import parse_filter, parse_order
from zaffre.core.search_grammar import RUNS
from zaffre.services import cursors
from zaffre.services.context import Context
from zaffre.services.tracking.artifacts import RUN_ROOT
from zaffre.services.tracking.experiment import DEFAULT_ID, DEFAULT_NAME, number
from zaffre.services.tracking.pages import size_of
from zaffre.services.tracking.run import Run, load
from zaffre.services.tracking.values import wrong
from zaffre.store import experiments, run_search
from zaffre.store.run_conditions import Conditions
from zaffre.store.run_search import Choice
from zaffre.store.run_stretches import Key


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
    size = size_of(max_results, 1000, 50_000)
    build = Conditions(context.db.is_sqlite, workspace, MEANING, mlflow=True, artifact_root=RUN_ROOT)
    digest = cursors.digest_of(workspace, sorted(experiment_ids), filter_text, list(orders), deleted)
    after = _after(page_token, digest, [sort.kind for sort in run_search.sorts_of(build, parsed)])
    with context.db.read() as connection:
        ids = [number(id_) for id_ in experiment_ids if id_ != DEFAULT_ID]
        if DEFAULT_ID in experiment_ids and (default := experiments.find(connection, workspace, DEFAULT_NAME)):
            ids.append(default.id)
        choice = Choice(workspace, ids, clauses, deleted)
        found = run_search.search(connection, build, choice, parsed, limit=size + 1, after=after)
        token = cursors.write(digest, 0, found[size - 1][1]) if len(found) > size else None
        return load(connection, workspace, [record for record, _ in found[:size]]), token


def _after(token: str | None, digest: str, kinds: Sequence[str]) -> Key | None:
    if not token:
        return None
    try:
        return cursors.read(token, digest, kinds)[1]
    except InvalidRequest:
        raise wrong("Invalid page token: use next_page_token of the former page of the same search") from None
