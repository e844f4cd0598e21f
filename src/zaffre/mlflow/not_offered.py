"""Calls of MLflow's clients that this door does not answer, each with the reason that its error gives."""

from __future__ import annotations

import re

# What follows /api/<version>/mlflow/ begins with the first text. docs/mlflow.md repeats them; a test compares.
NOT_OFFERED: dict[str, str] = {
    "gateway": "it holds no keys of model providers and passes on no calls to them",
    "datasets": "evaluation data sets are not kept; keep the rows as a data asset (zaffre data create)",
    "scorers": "it runs no judges; log what yours find with mlflow.log_feedback()",
    "label-schemas": "it has no labelling of traces; log feedback with mlflow.log_feedback()",
    "review-queues": "it has no labelling of traces; log feedback with mlflow.log_feedback()",
    "issues": "it looks for no issues in traces; say what you find with mlflow.log_feedback()",
    "prompt-optimization": "it optimises no prompts",
    "webhooks": "it makes no outgoing calls of its own",
    "workspaces": "a workspace is part of the tracking URI (http://host/mlflow/<workspace>); see zaffre workspace",
    "mcp-servers": "it registers no tools of agents",
    "jobs": "jobs are created by zaffre job create",
    "assistant": "it runs no commands for a browser",
    "client-telemetry": "it collects nothing about its users",
    "artifacts/presigned-download-url": "files are read from the artifact proxy, in ranges if need be",
    "artifacts/presigned-upload-url": "files are sent to the artifact proxy, in parts if need be",
    "traces/metrics": "figures over many traces are not computed; search_traces() gives them with their times",
    "traces/calculate-filter-correlation": "figures over many traces are not computed; compare two searches",
    "unified-traces": "only Databricks answers it",
    "get-online-trace-details": "only Databricks answers it",
}


def why_not(path: str) -> str:
    """The reason, for what follows the version in a path; of the unknown only what there is instead."""
    for begins, reason in NOT_OFFERED.items():
        if re.match(rf"{re.escape(begins)}(/|$)", path):
            return reason
    return "it keeps experiments, runs, metrics, artifacts, models and traces"
