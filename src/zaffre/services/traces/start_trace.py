"""Keep what a client says of a trace, when it ends (version 3 of the API) or when it begins and ends (version 2)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from zaffre.base.errors import Conflict, NotFound
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
from zaffre.store import runs, traces
from zaffre.store.traces import TraceRecord

LINKED_PROMPTS = "mlflow.linkedPrompts"


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


def end_trace(
    context: Context,
    workspace: str,
    name: str,
    *,
    ended_at: int,
    state: str,
    tags: Mapping[str, str],
    details: Mapping[str, str],
) -> Trace:
    """As version 2 of the API does it. Raises `NotFound`."""
    moment(ended_at, "timestamp_ms")
    if state not in STATES:
        raise wrong(f"Invalid trace status {state!r:.100}: it is one of {', '.join(STATES)}")
    new_tags, new_details = checked(tags, "tags"), checked(details, "metadata")
    new_tags.pop(SPANS_LOCATION, None)
    return _change(
        context, workspace, name,
        lambda record: {
            "state": state, "duration": max(0, ended_at - record.started_at),
            "tags": {**record.tags, **new_tags}, "details": {**record.details, **new_details, FINALIZED: "true"},
        },
    )  # fmt: skip


def set_trace_tags(context: Context, workspace: str, name: str, tags: Mapping[str, str]) -> Trace:
    """Raises `NotFound`, or `InvalidRequest` when it would have too many."""
    given = {key: value for key, value in checked(tags, "tags").items() if key != SPANS_LOCATION}
    return _change(
        context, workspace, name,
        lambda record: {"tags": checked({**record.tags, **given}, "tags")},
    )  # fmt: skip


def delete_trace_tag(context: Context, workspace: str, name: str, key: str) -> Trace:
    """Raises `NotFound` when it has no such tag."""

    def without(record: TraceRecord) -> dict[str, Any]:
        if key not in record.tags or key == SPANS_LOCATION:
            raise NotFound(f"No tag with key '{key}' for trace with ID '{name}'.", code="TagNotFound")
        return {"tags": {known: value for known, value in record.tags.items() if known != key}}

    return _change(context, workspace, name, without)


def link_to_run(context: Context, workspace: str, names: Sequence[str], run: str) -> None:
    """Raises `NotFound` for an unknown run or trace: nothing is linked then."""
    if len(names) > 100:
        raise wrong(f"At most 100 traces can be linked at once. Got {len(names)}.")
    with context.db.write() as connection:
        runs.active(connection, workspace, run)
        for name in sorted(set(names)):
            traces.add_run(context.db, connection, traces.get(connection, workspace, name).id, run)


def link_prompts(context: Context, workspace: str, name: str, linked: Sequence[Mapping[str, str]]) -> None:
    """Add versions of prompts to the tag in which clients look for them. Raises `NotFound`."""

    def added(record: TraceRecord) -> dict[str, Any]:
        try:
            former = orjson.loads(record.tags.get(LINKED_PROMPTS, "[]"))
        except ValueError:
            former = []
        together = [*former, *(item for item in linked if item not in former)]
        return {"tags": checked({**record.tags, LINKED_PROMPTS: orjson.dumps(together).decode()}, "tags")}

    _change(context, workspace, name, added)


def _change(
    context: Context,
    workspace: str,
    name: str,
    values: Callable[[TraceRecord], dict[str, Any]],
) -> Trace:
    with context.db.write() as connection:
        record = traces.get(connection, workspace, name, lock=True)
        traces.change(connection, record, values(record))
        return load(connection, workspace, [traces.get(connection, workspace, name)])[0]


def _preview(value: str | None) -> str | None:
    return None if value is None else text(value, "preview")[:PREVIEW_LENGTH]
