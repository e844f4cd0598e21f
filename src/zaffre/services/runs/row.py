"""Rows of a search: runs with the fields that were asked for, read in a handful of queries."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from zaffre.base.clock import iso
from zaffre.core.run_fields import Fields
from zaffre.store import experiments, job_tags, metrics, params, runs
from zaffre.store.runs import RunRecord
from zaffre.wire.runs import RunRow

CELLS = 300_000  # of one page: 1,500 runs with 1,500 metrics each come in eight


def rows(connection: Connection, records: Sequence[RunRecord], fields: Fields, now: int) -> list[RunRow]:
    """In the order given; fewer of them when they would have more than `CELLS` values, but at least one."""
    asked = fields.attributes
    names = runs.names_of(connection, sorted(_related(records, asked)))
    called = experiments.names_of(connection, {r.experiment_id for r in records}) if "experiment_name" in asked else {}
    made: list[RunRow] = []
    cells, step = 0, 100
    for start in range(0, len(records), step):
        some = records[start : start + step]
        sources = [record.source_id for record in some]
        values = metrics.last_values(connection, sources, fields.metrics)
        given = params.of(connection, sources, fields.params)
        tagged = job_tags.tags_of(connection, [record.id for record in some], fields.tags)
        for record in some:
            logged: dict[str, Any] = {
                "metrics": values.get(record.source_id),
                "params": given.get(record.source_id),
                "tags": _tags(tagged.get(record.id, {}), fields.tags),
            }
            cells += sum(len(item) for item in logged.values() if item)
            if made and cells > CELLS:
                return made
            shown = {key: value for key, value in _attributes(record, names, called, now).items() if key in asked}
            made.append(RunRow.model_construct(**shown, **{key: item for key, item in logged.items() if item}))
    return made


def _related(records: Sequence[RunRecord], asked: Collection[str]) -> set[int]:
    parents = {r.parent_id for r in records if r.parent_id} if "parent_job_name" in asked else set[int]()
    return parents | ({r.reused_from for r in records if r.reused_from} if "reused_from" in asked else set[int]())


def _tags(tags: Mapping[str, str], asked: Collection[str] | None) -> Mapping[str, str]:
    return own_tags(tags) if asked is None else tags


def own_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Those that people set, not those by which MLflow's clients keep house."""
    return {key: value for key, value in tags.items() if not key.startswith("mlflow.")}


def _attributes(
    record: RunRecord, names: Mapping[int, str], experiments: Mapping[int, str], now: int
) -> dict[str, Any]:
    shown = {
        "name": record.name,
        "display_name": record.display_name or record.name,
        "type": record.type,
        "status": record.status,
        "experiment_name": experiments.get(record.experiment_id),
        "created_at": iso(record.created_at),
        "started_at": iso(record.started_at),
        "ended_at": iso(record.ended_at),
        "duration_s": round(((record.ended_at or now) - record.started_at) / 1000, 3) if record.started_at else None,
        "parent_job_name": names.get(record.parent_id or 0),
        "node": record.node,
        "created_by": record.created_by,
        "compute": record.compute,
        "reused_from": names.get(record.reused_from or 0),
        "archived": record.archived or None,
    }
    return {key: value for key, value in shown.items() if value is not None}
