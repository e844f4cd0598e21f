"""Change what is known of a trace: its end, its tags, the runs and prompts it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from zaffre.base.errors import NotFound
from zaffre.services.context import Context
from zaffre.services.traces.trace import FINALIZED, SPANS_LOCATION, STATES, Trace, checked, load
from zaffre.services.tracking.values import moment, wrong
from zaffre.store import runs, traces
from zaffre.store.traces import TraceRecord

LINKED_PROMPTS = "mlflow.linkedPrompts"


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
        former = former if isinstance(former, list) else []
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
