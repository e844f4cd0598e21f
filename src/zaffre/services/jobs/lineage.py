"""What a job uses, as edges of the lineage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from zaffre.store.assets import Edge
from zaffre.store.jobs import JobRecord


def edge_of(job_id: int, port: str, item: Mapping[str, Any]) -> Edge | None:
    """What an input of a job is; literals and bindings have no edge."""
    if "uri" not in item:
        return None
    if item.get("asset"):
        kind, _, ref = item["asset"].partition(":")
        return Edge(job_id, "input", port, kind, ref)
    return Edge(job_id, "input", port, "uri", item["uri"])


def input_edges(job: JobRecord) -> Iterator[Edge]:
    for port, item in ((job.plan or {}).get("inputs") or {}).items():
        if edge := edge_of(job.id, port, item):
            yield edge
    if source := (job.plan or {}).get("source"):
        yield Edge(job.id, "input", "component", "component", source)
