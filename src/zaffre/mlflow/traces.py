"""Endpoints of traces, as versions 2 and 3 of MLflow's API have them, and spans from OpenTelemetry."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from zaffre.core.permissions import Permission
from zaffre.mlflow import show_traces as show
from zaffre.mlflow.endpoint import Call, Endpoint
from zaffre.mlflow.json import integer, optional, required, rows, texts
from zaffre.services.context import Context
from zaffre.services.traces import assess, otlp
from zaffre.services.traces import change_trace as change
from zaffre.services.traces.delete_traces import delete_traces
from zaffre.services.traces.get_trace import get_trace, get_traces, spans_of
from zaffre.services.traces.log_spans import log_spans
from zaffre.services.traces.search_traces import search_traces
from zaffre.services.traces.start_trace import NewTrace, start_trace
from zaffre.services.tracking.values import tags, wrong

READ, WRITE = Permission.TRACKING_READ, Permission.TRACKING_WRITE
TAG_LENGTH = 8000
_DURATION = re.compile(r"(-?\d{1,12})(?:\.(\d{1,9}))?s")


def start(call: Call) -> dict[str, Any]:
    """Version 3 sends the whole description of a trace that has ended, version 2 one that begins."""
    if "trace" not in call.body:
        return _start_v2(call)
    info = _object(_object(call.body, "trace"), "trace_info")
    new = NewTrace(
        required(info, "trace_id"), _experiment_of(_object(info, "trace_location")),
        _moment(required(info, "request_time"), "request_time"),
        duration=_duration(optional(info, "execution_duration")), state=optional(info, "state") or "STATE_UNSPECIFIED",
        client_id=optional(info, "client_request_id"), request=optional(info, "request_preview"),
        response=optional(info, "response_preview"), tags=_texts_of(info, "tags"),
        details=_texts_of(info, "trace_metadata"), assessments=rows(info, "assessments"),
    )  # fmt: skip
    return {"trace": {"trace_info": show.info(start_trace(call.context, call.workspace, new))}}


def _start_v2(call: Call) -> dict[str, Any]:
    new = NewTrace(
        None, required(call.body, "experiment_id"), integer(call.body, "timestamp_ms") or 0,
        tags=tags(rows(call.body, "tags"), TAG_LENGTH), details=tags(rows(call.body, "request_metadata"), TAG_LENGTH),
    )  # fmt: skip
    return {"trace_info": show.info_v2(start_trace(call.context, call.workspace, new, finalized=False))}


def end(call: Call) -> dict[str, Any]:
    trace = change.end_trace(
        call.context, call.workspace, call.path["trace"], ended_at=integer(call.body, "timestamp_ms") or 0,
        state=show.STATE_OF.get(optional(call.body, "status") or "", optional(call.body, "status") or ""),
        tags=tags(rows(call.body, "tags"), TAG_LENGTH), details=tags(rows(call.body, "request_metadata"), TAG_LENGTH),
    )  # fmt: skip
    return {"trace_info": show.info_v2(trace)}


def get_info(call: Call) -> dict[str, Any]:
    return {"trace": {"trace_info": show.info(get_trace(call.context, call.workspace, call.path["trace"]))}}


def get_info_v2(call: Call) -> dict[str, Any]:
    return {"trace_info": show.info_v2(get_trace(call.context, call.workspace, call.path["trace"]))}


def get(call: Call) -> dict[str, Any]:
    found = get_trace(call.context, call.workspace, required(call.body, "trace_id"))
    (spans,) = spans_of(call.context, [found])
    return {"trace": {"trace_info": show.info(found), "spans": spans}}


def batch_get(call: Call) -> dict[str, Any]:
    found = _asked(call)
    shown = zip(found, spans_of(call.context, found), strict=True)
    return {"traces": [{"trace_info": show.info(trace), "spans": spans} for trace, spans in shown]}


def batch_get_infos(call: Call) -> dict[str, Any]:
    return {"trace_infos": [show.info(trace) for trace in _asked(call)]}


def _asked(call: Call) -> list[Any]:
    found = get_traces(call.context, call.workspace, texts(call.body, "trace_ids"))
    wanted = texts(call.body, "experiment_ids")
    return [trace for trace in found if not wanted or trace.experiment_id in wanted]


def search(call: Call) -> dict[str, Any]:
    experiments = [_experiment_of(place) for place in rows(call.body, "locations")]
    found, token = search_traces(call.context, call.workspace, experiments, **_page(call))
    return {"traces": [show.info(trace) for trace in found], **({"next_page_token": token} if token else {})}


def search_v2(call: Call) -> dict[str, Any]:
    found, token = search_traces(call.context, call.workspace, texts(call.body, "experiment_ids"), **_page(call))
    return {"traces": [show.info_v2(trace) for trace in found], **({"next_page_token": token} if token else {})}


def _page(call: Call) -> dict[str, Any]:
    return {
        "filter_text": optional(call.body, "filter"),
        "orders": texts(call.body, "order_by"),
        "max_results": integer(call.body, "max_results"),
        "page_token": optional(call.body, "page_token"),
    }


def delete(call: Call) -> dict[str, Any]:
    names = texts(call.body, "request_ids") or texts(call.body, "trace_ids")
    count = delete_traces(
        call.context, call.workspace, required(call.body, "experiment_id"), names=names,
        until=integer(call.body, "max_timestamp_millis"), most=integer(call.body, "max_traces"),
    )  # fmt: skip
    return {"traces_deleted": count}


def set_tag(call: Call) -> None:
    ((key, value),) = tags([call.body], TAG_LENGTH).items()
    change.set_trace_tags(call.context, call.workspace, call.path["trace"], {key: value})


def delete_tag(call: Call) -> None:
    change.delete_trace_tag(call.context, call.workspace, call.path["trace"], required(call.body, "key"))


def link_to_run(call: Call) -> None:
    change.link_to_run(call.context, call.workspace, texts(call.body, "trace_ids"), required(call.body, "run_id"))


def link_prompts(call: Call) -> None:
    linked = [{"name": required(item, "name"), "version": required(item, "version")}
              for item in rows(call.body, "prompt_versions")]  # fmt: skip
    change.link_prompts(call.context, call.workspace, required(call.body, "trace_id"), linked)


def create_assessment(call: Call) -> dict[str, Any]:
    made = assess.create_assessment(call.context, call.workspace, call.path["trace"], _object(call.body, "assessment"))
    return {"assessment": made.body}


def get_assessment(call: Call) -> dict[str, Any]:
    found = assess.get_assessment(call.context, call.workspace, call.path["trace"], call.path["assessment"])
    return {"assessment": found.body}


def update_assessment(call: Call) -> dict[str, Any]:
    changed = assess.update_assessment(
        call.context, call.workspace, call.path["trace"], call.path["assessment"], _object(call.body, "assessment"),
        _masked(call.body.get("update_mask")),
    )  # fmt: skip
    return {"assessment": changed.body}


def delete_assessment(call: Call) -> None:
    assess.delete_assessment(call.context, call.workspace, call.path["trace"], call.path["assessment"])


async def receive_spans(request: Request, context: Context, workspace: str, body: bytes) -> Response:
    """OpenTelemetry's protocol over HTTP; the experiment, and perhaps a run, are named by headers as in MLflow."""
    headers = request.headers
    if not (experiment := headers.get("x-mlflow-experiment-id", "")):
        raise wrong("Missing header x-mlflow-experiment-id: it says which experiment the spans belong to")
    kind = headers.get("content-type", "")

    def work() -> None:
        spans = otlp.parse(body, kind, headers.get("content-encoding", ""))
        log_spans(context, workspace, experiment, spans, run=headers.get("x-mlflow-run-id"))

    await run_in_threadpool(work)
    if kind.startswith(otlp.JSON):
        return Response(b"{}", media_type=otlp.JSON)
    return Response(b"", media_type=otlp.PROTOBUF)  # an empty ExportTraceServiceResponse: all were taken


def _object(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name)
    if not isinstance(value, dict):
        raise wrong(f"Invalid value for parameter '{name}' supplied: expected an object")
    return value


def _experiment_of(location: dict[str, Any]) -> str:
    held = location.get("mlflow_experiment")
    if not isinstance(held, dict):
        raise wrong("Invalid trace location: traces are kept in experiments of MLflow (mlflow_experiment)")
    return required(held, "experiment_id")


def _texts_of(info: dict[str, Any], name: str) -> dict[str, str]:
    value = info.get(name) or {}
    if not isinstance(value, dict) or not all(isinstance(held, str) for held in value.values()):
        raise wrong(f"Invalid value for parameter '{name}' supplied: expected texts by their keys")
    return value


def _moment(value: str, what: str) -> int:
    try:
        return int(datetime.fromisoformat(value).timestamp() * 1000 + 0.5)
    except (ValueError, OverflowError):
        raise wrong(f"Invalid value {value!r:.100} for parameter '{what}' supplied: expected a time") from None


def _duration(value: str | None) -> int | None:
    if value is None:
        return None
    if not (match := _DURATION.fullmatch(value)):
        raise wrong(f"Invalid value {value!r:.100} for parameter 'execution_duration' supplied: expected seconds")
    return int(match[1]) * 1000 + int((match[2] or "").ljust(9, "0")) // 1_000_000


def _masked(mask: Any) -> list[str]:
    """The fields of a mask, which the JSON form of protocol buffers writes as `assessmentName,feedback`."""
    paths = mask.get("paths") if isinstance(mask, dict) else (mask or "").split(",") if isinstance(mask, str) else mask
    found = texts({"update_mask": paths}, "update_mask")
    return [re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", path.strip()) for path in found if path.strip()]


ENDPOINTS = (
    Endpoint("POST", "traces", WRITE, start),
    Endpoint("GET", "traces", READ, search_v2),
    Endpoint("POST", "traces/search", READ, search),
    Endpoint("GET", "traces/get", READ, get),
    Endpoint("GET", "traces/batchGet", READ, batch_get),
    Endpoint("POST", "traces/batchGetInfos", READ, batch_get_infos),
    Endpoint("POST", "traces/delete-traces", WRITE, delete),
    Endpoint("POST", "traces/link-to-run", WRITE, link_to_run),
    Endpoint("POST", "traces/link-prompts", WRITE, link_prompts),
    Endpoint("GET", "traces/{trace}", READ, get_info),
    Endpoint("PATCH", "traces/{trace}", WRITE, end),
    Endpoint("GET", "traces/{trace}/info", READ, get_info_v2),
    Endpoint("PATCH", "traces/{trace}/tags", WRITE, set_tag),
    Endpoint("DELETE", "traces/{trace}/tags", WRITE, delete_tag),
    Endpoint("POST", "traces/{trace}/assessments", WRITE, create_assessment),
    Endpoint("GET", "traces/{trace}/assessments/{assessment}", READ, get_assessment),
    Endpoint("PATCH", "traces/{trace}/assessments/{assessment}", WRITE, update_assessment),
    Endpoint("DELETE", "traces/{trace}/assessments/{assessment}", WRITE, delete_assessment),
)
