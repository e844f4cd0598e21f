"""Endpoints of metric histories."""

from __future__ import annotations

from typing import Any

from zaffre.core.permissions import Permission
from zaffre.mlflow import show
from zaffre.mlflow.endpoint import Call, Endpoint
from zaffre.mlflow.json import integer, optional, required, texts
from zaffre.mlflow.runs import run_of
from zaffre.services.tracking.metric_history import metric_histories, metric_history, sampled_histories

READ = Permission.TRACKING_READ


def history(call: Call) -> dict[str, Any]:
    key = required(call.body, "metric_key")
    points, token = metric_history(
        call.context, call.workspace, run_of(call), key, max_results=integer(call.body, "max_results"),
        page_token=optional(call.body, "page_token"),
    )  # fmt: skip
    return {"metrics": show.history(key, points), **({"next_page_token": token} if token else {})}


def bulk(call: Call) -> dict[str, Any]:
    key, runs = required(call.body, "metric_key"), texts(call.body, "run_id") or texts(call.body, "run_ids")
    most = min(integer(call.body, "max_results") or 25_000, 25_000)
    found = metric_histories(call.context, call.workspace, runs, key, most)
    return {"metrics": [item for run, points in found for item in show.history(key, points, run)]}


def interval(call: Call) -> dict[str, Any]:
    key = required(call.body, "metric_key")
    most = integer(call.body, "max_results")
    found = sampled_histories(
        call.context, call.workspace, texts(call.body, "run_ids"), key, start_step=integer(call.body, "start_step"),
        end_step=integer(call.body, "end_step"), most=320 if most is None else most,
    )  # fmt: skip
    return {"metrics": [item for run, points in found for item in show.history(key, points, run)]}


ENDPOINTS = (
    Endpoint("GET", "metrics/get-history", READ, history),
    Endpoint("GET", "metrics/get-history-bulk", READ, bulk),
    Endpoint("GET", "metrics/get-history-bulk-interval", READ, interval),
)
