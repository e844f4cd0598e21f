"""Keep what a client says of a trace, when it ends (version 3 of the API) or when it begins and ends (version 2)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from zaffre.base.errors import Conflict
from zaffre.services.context import Context
from zaffre.services.traces.assess import new_assessment
from zaffre.services.traces.trace import (
    FINALIZED,
    IN_STORE,
    PREVIEW_LENGTH,
    SOURCE_RUN,
    SPANS_LOCATION,
    STATES,
    Trace,
    checked,
    checked_name,
    load,
)
from zaffre.services.tracking.experiment import resolve
from zaffre.services.tracking.values import moment, text, wrong
from zaffre.store import assessments as assessment_store
from zaffre.store import traces


@dataclass(frozen=True)
class NewTrace:
    """What a client says; times in milliseconds. `name` None: the server chooses."""

    name: str | None
    experiment_id: str
    started_at: int
    duration: int | None = None
    state: str = STATES[3]
    client_id: str | None = None
    request: str | None = None
    response: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, str] = field(default_factory=dict)
    assessments: Sequence[Mapping[str, Any]] = ()


def start_trace(context: Context, workspace: str, new: NewTrace, *, finalized: bool = True) -> Trace:
    """Its spans may have come before. The same request again changes nothing.

    Raises `Conflict` when the trace is known in another experiment, `InvalidRequest` for wrong values.
    """
    name = checked_name(new.name) if new.name else f"tr-{uuid.uuid4().hex}"
    tags, details = checked(new.tags, "tags"), checked(new.details, "metadata")
    if new.state not in STATES:
        raise wrong(f"Invalid trace state {new.state!r:.100}: it is one of {', '.join(STATES)}")
    moment(new.started_at, "request_time")
    moment(new.duration, "execution_duration")
    values = {
        "started_at": new.started_at, "duration": new.duration, "state": new.state,
        "client_id": None if new.client_id is None else text(new.client_id, "client_request_id", 250),
        "request": _preview(new.request), "response": _preview(new.response),
    }  # fmt: skip
    said = [new_assessment(item) for item in new.assessments]
    with context.db.write() as connection:
        experiment = resolve(context, connection, workspace, new.experiment_id, writing=True)
        record = traces.ensure(context.db, connection, workspace, name, experiment.id, new.started_at)
        if record.experiment_id != experiment.id:
            raise Conflict(
                f"Trace with ID '{name}' exists in another experiment",
                code="TraceExists",
                hint="every trace has an id of its own: let the client choose it",
            )
        location = {SPANS_LOCATION: IN_STORE} if SPANS_LOCATION in record.tags else {}
        merged = {**record.details, **details} | ({FINALIZED: "true"} if finalized else {})
        tags.pop(SPANS_LOCATION, None)  # only the server knows where they are
        traces.change(connection, record, {**values, "tags": {**record.tags, **tags, **location}, "details": merged})
        if run := details.get(SOURCE_RUN):
            traces.add_run(context.db, connection, record.id, text(run, SOURCE_RUN, 255))
        known = {item.name for item in assessment_store.of(connection, [record.id]).get(record.id, ())}
        for make in said:
            if (made := make(record)).name not in known:
                assessment_store.insert(connection, made)
        return load(connection, workspace, [traces.get(connection, workspace, name)])[0]


def _preview(value: str | None) -> str | None:
    return None if value is None else text(value, "preview")[:PREVIEW_LENGTH]
