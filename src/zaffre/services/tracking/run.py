"""A run as it is shown: its record and all it logged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from zaffre.core.run_status import TO_MLFLOW
from zaffre.services.tracking.experiment import DEFAULT_ID, DEFAULT_NAME
from zaffre.store import datasets, experiments, job_tags, logged_models, metrics, params, runs
from zaffre.store.datasets import DatasetUse
from zaffre.store.logged_models import ModelUse
from zaffre.store.metrics import Latest
from zaffre.store.run_conditions import PARENT, RUN_NAME
from zaffre.store.runs import RunRecord

REUSED = "zaffre.reused_from"  # the run whose result this one shows


@dataclass
class Run:
    """`status` and tags in MLflow's words."""

    record: RunRecord
    experiment_id: str
    metrics: list[Latest] = field(default_factory=list)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    datasets: list[DatasetUse] = field(default_factory=list)
    models: list[ModelUse] = field(default_factory=list)

    @property
    def status(self) -> str:
        return TO_MLFLOW.get(self.record.status, "RUNNING")

    @property
    def name(self) -> str:
        return self.record.display_name or self.record.name


def load(connection: Connection, workspace: str, records: Sequence[RunRecord]) -> list[Run]:
    """Everything that these runs logged, in a handful of queries."""
    ids = [record.source_id for record in records]
    values, given = metrics.latest(connection, ids), params.of(connection, ids)
    tagged = job_tags.tags_of(connection, [record.id for record in records])
    used, models = datasets.of(connection, ids), logged_models.uses_of(connection, ids)
    others = runs.names_of(connection, sorted({id_ for r in records for id_ in (r.parent_id, r.reused_from) if id_}))
    default = experiments.find(connection, workspace, DEFAULT_NAME)
    found = []
    for record in records:
        is_default = default is not None and record.experiment_id == default.id
        run = Run(
            record,
            DEFAULT_ID if is_default else str(record.experiment_id),
            values.get(record.source_id, []),
            given.get(record.source_id, {}),
            tagged.get(record.id, {}),
            used.get(record.source_id, []),
            models.get(record.source_id, []),
        )
        _add_known_tags(run, others)
        found.append(run)
    return found


def _add_known_tags(run: Run, names: dict[int, str]) -> None:
    """What MLflow's clients read from tags, and we know from the job itself."""
    run.tags[RUN_NAME] = run.name
    if parent := names.get(run.record.parent_id or 0):
        run.tags[PARENT] = parent
    if source := names.get(run.record.reused_from or 0):
        run.tags[REUSED] = source
    if run.record.created_by:
        run.tags.setdefault("mlflow.user", run.record.created_by)
