"""A trace as it is shown: its record, what was said of it, and where its spans are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from zaffre.base import limits
from zaffre.services.tracking.artifacts import SCHEME, TRACES
from zaffre.services.tracking.experiment import DEFAULT_ID, DEFAULT_NAME
from zaffre.services.tracking.values import key, text, wrong
from zaffre.store import assessments, experiments
from zaffre.store.assessments import Assessment
from zaffre.store.traces import TraceRecord

STATES = ("STATE_UNSPECIFIED", "OK", "ERROR", "IN_PROGRESS")
SOURCE_RUN, FINALIZED = "mlflow.sourceRun", "mlflow.trace.infoFinalized"
TRACE_NAME, SPANS_LOCATION = "mlflow.traceName", "mlflow.trace.spansLocation"
IN_STORE = "TRACKING_STORE"
ARTIFACT_LOCATION = "mlflow.artifactLocation"
PREVIEW_LENGTH = 10_000
VALUE_LENGTH = 8000  # of a tag or an entry of the metadata
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


@dataclass
class Trace:
    """`experiment_id` as clients know it."""

    record: TraceRecord
    experiment_id: str
    assessments: Sequence[Assessment] = field(default_factory=list)

    @property
    def tags(self) -> dict[str, str]:
        """With where files of this trace go, which older clients ask for."""
        return {**self.record.tags, ARTIFACT_LOCATION: f"{SCHEME}{TRACES}/{self.record.name}"}


def load(connection: Connection, workspace: str, records: Sequence[TraceRecord]) -> list[Trace]:
    default = experiments.find(connection, workspace, DEFAULT_NAME)
    said = assessments.of(connection, [record.id for record in records])
    return [
        Trace(
            record,
            DEFAULT_ID if default and record.experiment_id == default.id else str(record.experiment_id),
            said.get(record.id, []),
        )
        for record in records
    ]


def checked_name(name: str) -> str:
    """A trace's id, which becomes part of paths. Raises `InvalidRequest`."""
    if not _NAME.fullmatch(name):
        raise wrong(f"Invalid trace ID: {name!r:.120}: it has up to 100 letters, digits, '_', '.' and '-'")
    return name


def checked(values: Mapping[str, str], what: str) -> dict[str, str]:
    """Tags or metadata. Raises `InvalidRequest` for too many or too long ones."""
    if len(values) > limits.TAGS:
        raise wrong(f"A trace has at most {limits.TAGS} {what}. Got {len(values)}.")
    return {key(name, what): text(value, f"{what}[{name:.50}]", VALUE_LENGTH) for name, value in values.items()}
