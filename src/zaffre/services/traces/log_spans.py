"""Keep spans. They come before, while or after their trace is told of; from plain OpenTelemetry it never is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from zaffre.services.context import Context
from zaffre.services.traces.otlp import Received
from zaffre.services.traces.trace import (
    FINALIZED,
    IN_STORE,
    PREVIEW_LENGTH,
    SOURCE_RUN,
    SPANS_LOCATION,
    TRACE_NAME,
    VALUE_LENGTH,
    checked,
)
from zaffre.services.tracking.experiment import resolve
from zaffre.services.tracking.values import wrong
from zaffre.store import runs, traces
from zaffre.store.traces import TraceRecord

INPUTS, OUTPUTS = "mlflow.spanInputs", "mlflow.spanOutputs"
TAG_PREFIX = "mlflow.traceTag."
_STATES = {"OK": "OK", "ERROR": "ERROR", "UNSET": "OK"}  # of a root span that has ended
SPANS_OF_A_TRACE = 100_000


def log_spans(
    context: Context, workspace: str, experiment_id: str, spans: Sequence[Received], *, run: str | None = None
) -> None:
    """All of them or none. A span that comes again replaces itself.

    Raises `NotFound` for an unknown experiment or run, `InvalidRequest` for a deleted one or a trace that grows
    without end.
    """
    by_trace: dict[str, list[Received]] = {}
    for span in spans:
        by_trace.setdefault(span.trace, []).append(span)
    with context.db.write() as connection:
        experiment = resolve(context, connection, workspace, experiment_id, writing=True)
        if run:
            runs.active(connection, workspace, run)
        for name in sorted(by_trace):  # one order for all writers: no deadlocks
            received = by_trace[name]
            began = min(span.record.started_ns for span in received) // 1_000_000
            record = traces.ensure(context.db, connection, workspace, name, experiment.id, began)
            if record.experiment_id != experiment.id:
                raise wrong(f"Trace with ID '{name}' belongs to another experiment")
            if traces.span_count(connection, record.id) + len(received) > SPANS_OF_A_TRACE:
                raise wrong(f"Trace with ID '{name}' would have more than {SPANS_OF_A_TRACE} spans")
            traces.add_spans(context.db, connection, record, [span.record for span in received])
            traces.change(connection, record, _told(record, received, began))
            if run:
                traces.add_run(context.db, connection, record.id, run)
            if source := record.details.get(SOURCE_RUN):
                traces.add_run(context.db, connection, record.id, source)


def _told(record: TraceRecord, received: Sequence[Received], began: int) -> dict[str, Any]:
    """What the spans say of their trace, until the client itself says it."""
    tags = {**record.tags, SPANS_LOCATION: IN_STORE}
    if FINALIZED in record.details:
        return {"tags": tags}
    started_at = min(began, record.started_at)
    values: dict[str, Any] = {"started_at": started_at}
    for root in received:
        if root.is_root:
            tags = {TRACE_NAME: root.record.name[:VALUE_LENGTH], **tags, **_tags(root.attributes)}
            if root.ended_ns:
                values |= {"state": _STATES[root.record.status], "duration": root.ended_ns // 1_000_000 - started_at}
            values |= {"request": _preview(root.attributes.get(INPUTS)),
                       "response": _preview(root.attributes.get(OUTPUTS))}  # fmt: skip
    return {**values, "tags": checked(tags, "tags")}


def _tags(attributes: Mapping[str, Any]) -> dict[str, str]:
    return {key.removeprefix(TAG_PREFIX): str(value)[:VALUE_LENGTH] for key, value in attributes.items()
            if key.startswith(TAG_PREFIX) and key != TAG_PREFIX}  # fmt: skip


def _preview(value: Any) -> str | None:
    if value is None:
        return None
    shown = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
    return shown.replace("\0", "")[:PREVIEW_LENGTH]
