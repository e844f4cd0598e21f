"""Traces by their ids, with their spans when these are kept here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zaffre.services.context import Context
from zaffre.services.traces import otlp
from zaffre.services.traces.trace import Trace, load
from zaffre.services.tracking.values import wrong
from zaffre.store import traces

MOST = 500  # of one request


def get_trace(context: Context, workspace: str, name: str) -> Trace:
    """Raises `NotFound`."""
    with context.db.read() as connection:
        return load(connection, workspace, [traces.get(connection, workspace, name)])[0]


def get_traces(context: Context, workspace: str, names: Sequence[str]) -> list[Trace]:
    """Those that exist."""
    if len(names) > MOST:
        raise wrong(f"At most {MOST} traces can be asked for at once. Got {len(names)}.")
    with context.db.read() as connection:
        return load(connection, workspace, traces.many(connection, workspace, names))


def spans_of(context: Context, found: Sequence[Trace]) -> list[list[dict[str, Any]]]:
    """The spans of each trace, in the JSON form of OpenTelemetry's protocol buffers."""
    with context.db.read() as connection:
        spans = traces.spans_of(connection, [trace.record.id for trace in found])
    return [otlp.shown(spans.get(trace.record.id, [])) for trace in found]


def spans_file(context: Context, workspace: str, name: str) -> bytes | None:
    """The spans as the file that older clients look for; None when the database has none. Raises `NotFound`."""
    with context.db.read() as connection:
        record = traces.get(connection, workspace, name)
        spans = traces.spans_of(connection, [record.id]).get(record.id)
    return otlp.file_of(name, spans) if spans else None
