"""What a job looks like to those who ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from zaffre.base.clock import iso, now_ms
from zaffre.core.permissions import Role
from zaffre.services.context import Context
from zaffre.services.jobs.settings import settings
from zaffre.store import experiments, job_tags
from zaffre.store import jobs as store
from zaffre.store.jobs import JobRecord
from zaffre.wire.jobs import JobView

OWN = (
    "tags",
    "name",
    "type",
    "display_name",
    "experiment_name",
    "description",
    "compute",
)  # columns, not the document's


def views(ctx: Context, connection: Connection, jobs: Sequence[JobRecord]) -> list[JobView]:
    """Views of many jobs with few questions to the database."""
    tags = job_tags.tags_of(connection, [job.id for job in jobs])
    related = {id_ for job in jobs for id_ in (job.parent_id, job.reused_from) if id_}
    others = store.names_of(connection, related)
    names = experiments.names_of(connection, {job.experiment_id for job in jobs})
    shown = [view(ctx, job, tags.get(job.id, {}), names.get(job.experiment_id), others) for job in jobs]
    if ctx.principal.role is Role.JOB:
        return [item if ctx.principal.name == f"job:{item.name}" else _without_secrets(item) for item in shown]
    return shown


def _without_secrets(view: JobView) -> JobView:
    """A job sees what others did, not the values of their environment variables, which often hold passwords."""
    return JobView.model_validate(_hidden(view.model_dump()))


def _hidden(value: Any) -> Any:
    if isinstance(value, list):
        return [_hidden(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: dict.fromkeys(item, "***") if key == "environment_variables" and isinstance(item, dict) else _hidden(item)
        for key, item in value.items()
    }


def view(
    ctx: Context, job: JobRecord, tags: Mapping[str, str], experiment: str | None, names: Mapping[int, str]
) -> JobView:
    document = {key: value for key, value in job.spec.items() if key not in OWN}
    document["inputs"] = bound_inputs(job, document.get("inputs"))
    document["outputs"] = _outputs(job, document.get("outputs"))
    ended, started = job.ended_at, job.started_at
    url = ctx.settings.url
    ours = {
        "name": job.name,
        "type": "command" if job.type == "interactive" else job.type,
        "status": job.status.value,
        "reason": job.reason,
        "display_name": job.display_name or job.name,
        "experiment_name": experiment,
        "description": job.description,
        "compute": job.compute,
        "tags": {key: value for key, value in tags.items() if not key.startswith("mlflow.")},
        "properties": _properties(job),
        "parent_job_name": names.get(job.parent_id or 0),
        "node": job.node,
        "created_at": iso(job.created_at),
        "started_at": iso(started),
        "ended_at": iso(ended),
        "duration_s": round(((ended or now_ms()) - started) / 1000, 3) if started else None,
        "creation_context": {"created_at": iso(job.created_at), "created_by": job.created_by},
        "error": job.error,
        "reused_from": names.get(job.reused_from or 0),
        "saved_s": job.saved_s,
        "attempt": job.attempt,
        "archived": job.archived,
        "facts": {**(job.facts or {}), **{key: item for key, item in settings(job).items() if item}} or None,
        "services": {
            "Studio": {"endpoint": f"{url}/jobs/{job.name}?workspace={job.workspace}", "type": "Studio"},
            "Tracking": {"endpoint": f"{url}/mlflow/{job.workspace}", "type": "Tracking"},
        },
    }
    return JobView.model_validate(document | ours)  # a document may have fields of the same names


def bound_inputs(job: JobRecord, said: Any) -> dict[str, Any]:
    """As the user said, with what bindings turned out to be."""
    shown: dict[str, Any] = dict(said or {})
    for port, item in ((job.plan or {}).get("inputs") or {}).items():
        if item.get("uri"):
            path = (
                f"azureml:{item['asset'].partition(':')[2]}"
                if item.get("asset", "").startswith(("data:", "model:"))
                else item["uri"]
            )
            shown[port] = {"type": item.get("type", "uri_folder"), "path": path} | (
                {"mode": item["mode"]} if item.get("mode") else {}
            )
        elif item.get("value") is not None and "${{" in str(shown.get(port, "${{")):
            shown[port] = item["value"]
    return shown


def _outputs(job: JobRecord, said: Any) -> dict[str, Any]:
    shown: dict[str, Any] = {port: item if isinstance(item, dict) else {} for port, item in (said or {}).items()}
    for port, item in (job.outputs or {}).items():
        shown[port] = {
            **shown.get(port, {}),
            "type": item.get("type"),
            "path": item["uri"],
            **{key: item[key] for key in ("files", "bytes", "asset") if item.get(key) is not None},
        }
    return shown


def _properties(job: JobRecord) -> dict[str, Any]:
    git = (job.facts or {}).get("git") or {}
    named = {
        "commit": "azureml.git.commit",
        "branch": "azureml.git.branch",
        "remote": "azureml.git.repository_uri",
        "dirty": "azureml.git.dirty",
    }
    if git.get("commit"):
        git = {"dirty": False, **git}
    shown = {named[key]: str(value) for key, value in git.items() if key in named and value is not None}
    if job.reused_from:
        shown["azureml.isreused"] = "true"
    return {**(job.spec.get("properties") or {}), **shown}
