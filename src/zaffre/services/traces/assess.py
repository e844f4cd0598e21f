"""Feedback on a trace, and what was expected of it."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from zaffre.base.clock import iso, now_ms
from zaffre.services.context import Context
from zaffre.services.tracking.values import text, wrong
from zaffre.store import assessments, traces
from zaffre.store.assessments import Assessment
from zaffre.store.traces import TraceRecord

BODY_BYTES = 2**20
KINDS = ("feedback", "expectation")
CHANGEABLE = ("assessment_name", "expectation", "feedback", "rationale", "metadata", "valid")


def create_assessment(context: Context, workspace: str, trace: str, given: Mapping[str, Any]) -> Assessment:
    """One that `overrides` another makes that one invalid. Raises `NotFound`, or `InvalidRequest` for wrong values."""
    make = new_assessment(given)
    with context.db.write() as connection:
        record = traces.get(connection, workspace, trace, lock=True)
        made = make(record)
        if former := made.body.get("overrides"):
            overridden = assessments.get(connection, record.id, text(former, "overrides", 255))
            assessments.change(connection, overridden, {"body": {**overridden.body, "valid": False}})
        assessments.insert(connection, made)
    return made


def get_assessment(context: Context, workspace: str, trace: str, name: str) -> Assessment:
    """Raises `NotFound`."""
    with context.db.read() as connection:
        return assessments.get(connection, traces.get(connection, workspace, trace).id, name)


def update_assessment(
    context: Context, workspace: str, trace: str, name: str, given: Mapping[str, Any], fields: Sequence[str]
) -> Assessment:
    """Only `fields` change. Raises `NotFound`, or `InvalidRequest` when feedback should become an expectation."""
    if unknown := [field for field in fields if field not in CHANGEABLE]:
        raise wrong(f"Invalid field {unknown[0]!r:.100} of update_mask: it is one of {', '.join(CHANGEABLE)}")
    with context.db.write() as connection:
        record = traces.get(connection, workspace, trace, lock=True)
        former = assessments.get(connection, record.id, name)
        if any(kind in fields and kind != former.kind for kind in KINDS):
            raise wrong(f"Assessment {name} is {former.kind} and stays it: log another one")
        body = {**former.body, **{field: given.get(field) for field in fields}, "last_update_time": iso(now_ms())}
        if "metadata" in fields:
            body["metadata"] = {**(former.body.get("metadata") or {}), **(given.get("metadata") or {})}
        made = new_assessment(body)(record)
        values = {"title": made.title, "value": made.value, "number": made.number, "body": made.body}
        assessments.change(connection, former, values)
        return assessments.get(connection, record.id, name)


def delete_assessment(context: Context, workspace: str, trace: str, name: str) -> None:
    """What it had overridden counts again. Raises `NotFound`."""
    with context.db.write() as connection:
        record = traces.get(connection, workspace, trace, lock=True)
        gone = assessments.get(connection, record.id, name)
        assessments.remove(connection, record.id, name)
        if former := gone.body.get("overrides"):
            for other in assessments.of(connection, [record.id]).get(record.id, ()):
                if other.name == former:
                    assessments.change(connection, other, {"body": {**other.body, "valid": True}})


def new_assessment(given: Mapping[str, Any]) -> Callable[[TraceRecord], Assessment]:
    """Checked; what it returns makes the record for a trace. Raises `InvalidRequest`."""
    if not isinstance(given, Mapping):
        raise wrong("Invalid value for parameter 'assessment' supplied: expected an object")
    title = text(given.get("assessment_name"), "assessment_name", 250)
    kinds = [kind for kind in KINDS if isinstance(given.get(kind), Mapping)]
    if not title or len(kinds) != 1:
        raise wrong("An assessment has a name and one of feedback and expectation")
    if len(orjson.dumps(given, default=str)) > BODY_BYTES:
        raise wrong(f"An assessment has at most {BODY_BYTES} bytes")
    (kind,) = kinds
    now = now_ms()
    name = given.get("assessment_id") or f"a-{uuid.uuid4().hex}"
    value, number = _comparable(_value(given[kind]))
    times = {"create_time": given.get("create_time") or iso(now),
             "last_update_time": given.get("last_update_time") or iso(now)}  # fmt: skip

    def make(trace: TraceRecord) -> Assessment:
        body = {**given, **times, "assessment_id": name, "trace_id": trace.name}
        body.setdefault("valid", True)
        return Assessment(
            trace.id, text(name, "assessment_id", 250), kind, title, value, number,
            {field: held for field, held in body.items() if held is not None}, now,
        )  # fmt: skip

    return make


def _value(holder: Mapping[str, Any]) -> Any:
    if isinstance(serialized := holder.get("serialized_value"), Mapping):
        return serialized.get("value")
    return holder.get("value")


def _comparable(value: Any) -> tuple[str | None, float | None]:
    """As text, and as a number when it is one."""
    if value is None:
        return None, None
    if isinstance(value, str):
        return value, None
    shown = orjson.dumps(value, default=str).decode()
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return shown, None
    return shown, float(value)
