"""Which data sets the runs of some experiments used."""

from __future__ import annotations

from collections.abc import Sequence

from zaffre.services.context import Context
from zaffre.services.tracking.experiment import resolve, shown_id
from zaffre.services.tracking.values import wrong
from zaffre.store import datasets

MOST = 20  # experiments of one request, as in MLflow


def search_datasets(
    context: Context, workspace: str, experiment_ids: Sequence[str]
) -> list[tuple[str, str, str, str | None]]:
    """(experiment, name, digest, context: training, evaluation ...). Raises `NotFound` for an unknown experiment."""
    if not 0 < len(experiment_ids) <= MOST:
        raise wrong(f"SearchDatasets requires 1 to {MOST} experiment ids. Got {len(experiment_ids)}.")
    with context.db.read() as connection:
        found = [resolve(context, connection, workspace, id_) for id_ in experiment_ids]
        shown = {record.id: shown_id(record) for record in found}
        uses = datasets.in_experiments(connection, sorted(shown))
    return [(shown[experiment], name, digest, use) for experiment, name, digest, use in uses]
