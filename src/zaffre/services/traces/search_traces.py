"""Search traces in MLflow's filter language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import Connection

from zaffre.core.search_filter import Clause, parse_filter, parse_order
from zaffre.core.search_grammar import TRACES
from zaffre.services.context import Context
from zaffre.services.traces import otlp
from zaffre.services.traces.trace import Trace, load
from zaffre.services.tracking.experiment import DEFAULT_ID, DEFAULT_NAME, number
from zaffre.services.tracking.matches import matches
from zaffre.services.tracking.pages import offset_of, size_of, token_of
from zaffre.store import experiments, trace_search, traces
from zaffre.store.traces import TraceRecord

LOOKED_THROUGH = 1000  # traces whose spans one page reads at most: the next page goes on there


def search_traces(
    context: Context,
    workspace: str,
    experiment_ids: Sequence[str],
    *,
    filter_text: str | None = None,
    orders: Sequence[str] = (),
    max_results: int | None = None,
    page_token: str | None = None,
) -> tuple[list[Trace], str | None]:
    """A page, newest first unless ordered otherwise, and the token of the next one.

    A page may have fewer than `max_results` and still a token: what is inside of spans is compared one by one.
    """
    clauses = parse_filter(filter_text, TRACES)
    deep = [clause for clause in clauses if _is_deep(clause)]
    flat = [clause for clause in clauses if clause not in deep]
    parsed = [parse_order(order, TRACES) for order in orders]
    size, offset = size_of(max_results, 100, 500), offset_of(page_token)
    with context.db.read() as connection:
        default = experiments.find(connection, workspace, DEFAULT_NAME)
        ids = [number(id_) for id_ in experiment_ids if id_ != DEFAULT_ID]
        if default and DEFAULT_ID in experiment_ids:
            ids.append(default.id)
        records = trace_search.search(
            context.db, connection, workspace, ids, clauses=flat, orders=parsed,
            limit=(LOOKED_THROUGH if deep else size) + 1, offset=offset,
        )  # fmt: skip
        if not deep:
            token = token_of(offset + size) if len(records) > size else None
            return load(connection, workspace, records[:size]), token
        found, looked = _with_spans(connection, records[:LOOKED_THROUGH], deep, size)
        token = token_of(offset + looked) if looked < len(records) else None
        return load(connection, workspace, found), token


def _is_deep(clause: Clause) -> bool:
    """Whether it asks for what is inside of a span, which no column holds."""
    if clause.entity == "span":
        return clause.key == "content" or clause.key.startswith("attributes.")
    return clause.entity == "attribute" and clause.key == "text"


def _with_spans(
    connection: Connection, records: Sequence[TraceRecord], clauses: Sequence[Clause], most: int
) -> tuple[list[TraceRecord], int]:
    """At most so many whose spans match, and how many were looked at for them."""
    found: list[TraceRecord] = []
    for start in range(0, len(records), 50):
        batch = records[start : start + 50]
        spans = traces.spans_of(connection, [record.id for record in batch])
        for place, record in enumerate(batch, start):
            inside = otlp.attributes_of(spans.get(record.id, []))
            if all(any(_matches(attributes, clause) for attributes in inside) for clause in clauses):
                found.append(record)
            if len(found) == most:
                return found, place + 1
    return found, len(records)


def _matches(attributes: dict[str, Any], clause: Clause) -> bool:
    return matches(lambda _entity, key: _inside(attributes, key), [clause])


def _inside(attributes: dict[str, Any], key: str) -> str | None:
    if not key.startswith("attributes."):
        return orjson.dumps(attributes, default=str).decode()
    value = attributes.get(key.removeprefix("attributes."))
    return value if value is None or isinstance(value, str) else orjson.dumps(value, default=str).decode()
