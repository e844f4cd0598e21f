"""Data sets that runs say they used, as MLflow describes them: a name, a digest, where it came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from zaffre.base.ids import sequence
from zaffre.store.db import Database
from zaffre.store.tables.tracking import dataset_uses, datasets

D = datasets.c
U = dataset_uses.c


@dataclass(frozen=True)
class DatasetUse:
    """A data set in the eyes of one run; `tags` carry `mlflow.data.context`."""

    name: str
    digest: str
    source_type: str
    source: str
    schema: str | None = None
    profile: str | None = None
    tags: dict[str, str] = field(default_factory=dict)


def add(db: Database, connection: Connection, experiment_id: int, job_id: int, uses: Sequence[DatasetUse]) -> None:
    """A set that the experiment knows by name and digest is not stored again."""
    for use in uses:
        values = {name: getattr(use, name) for name in ("name", "digest", "source_type", "source", "schema", "profile")}
        statement = db.insert(datasets).values(id=sequence(), experiment_id=experiment_id, **values)
        connection.execute(statement.on_conflict_do_nothing(index_elements=["experiment_id", "name", "digest"]))
        query = select(D.id).where(D.experiment_id == experiment_id, D.name == use.name, D.digest == use.digest)
        dataset_id = connection.execute(query).scalar_one()
        used = db.insert(dataset_uses).values(job_id=job_id, dataset_id=dataset_id, tags=use.tags)
        connection.execute(used.on_conflict_do_nothing(index_elements=["job_id", "dataset_id"]))


def of(connection: Connection, ids: Sequence[int]) -> dict[int, list[DatasetUse]]:
    found: dict[int, list[DatasetUse]] = {}
    for start in range(0, len(ids), 500):
        query = (
            select(U.job_id, D.name, D.digest, D.source_type, D.source, D.schema, D.profile, U.tags)
            .join_from(dataset_uses, datasets, U.dataset_id == D.id)
            .where(U.job_id.in_(ids[start : start + 500]))
            .order_by(D.id)
        )
        for job, *values in connection.execute(query):
            found.setdefault(job, []).append(DatasetUse(*values))
    return found


def in_experiments(
    connection: Connection, experiment_ids: Sequence[int], limit: int = 1000
) -> list[tuple[int, str, str, str | None]]:
    """(experiment, name, digest, context) of every set used there."""
    query = (
        select(D.experiment_id, D.name, D.digest, U.tags)
        .join_from(datasets, dataset_uses, U.dataset_id == D.id)
        .where(D.experiment_id.in_(experiment_ids))
        .order_by(D.name, D.digest)
    )
    seen = dict.fromkeys(
        (experiment, name, digest, tags.get("mlflow.data.context"))
        for experiment, name, digest, tags in connection.execute(query)
    )
    return list(seen)[:limit]
