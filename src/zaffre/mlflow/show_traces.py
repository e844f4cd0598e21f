"""Traces as MLflow's messages, of version 3 of its API and of version 2."""

from __future__ import annotations

from typing import Any

from zaffre.base.clock import iso
from zaffre.mlflow.show import pairs
from zaffre.services.traces.trace import Trace

STATE_OF = {"TRACE_STATUS_UNSPECIFIED": "STATE_UNSPECIFIED"}  # version 2 -> 3; the others are called alike


def info(trace: Trace) -> dict[str, Any]:
    record = trace.record
    shown: dict[str, Any] = {
        "trace_id": record.name,
        "trace_location": {
            "type": "MLFLOW_EXPERIMENT",
            "mlflow_experiment": {"experiment_id": trace.experiment_id},
        },
        "request_time": iso(record.started_at),
        "state": record.state,
        "trace_metadata": record.details,
        "tags": trace.tags,
    }
    if record.duration is not None:
        shown["execution_duration"] = f"{record.duration // 1000}.{record.duration % 1000:03}s"
    held = {"client_request_id": record.client_id, "request_preview": record.request,
            "response_preview": record.response}  # fmt: skip
    shown |= {name: value for name, value in held.items() if value is not None}
    if trace.assessments:
        shown["assessments"] = [item.body for item in trace.assessments]
    return shown


def info_v2(trace: Trace) -> dict[str, Any]:
    record = trace.record
    shown: dict[str, Any] = {
        "request_id": record.name,
        "experiment_id": trace.experiment_id,
        "timestamp_ms": record.started_at,
        "status": next((old for old, new in STATE_OF.items() if new == record.state), record.state),
        "request_metadata": pairs(record.details),
        "tags": pairs(trace.tags),
    }
    if record.duration is not None:
        shown["execution_time_ms"] = record.duration
    return shown
