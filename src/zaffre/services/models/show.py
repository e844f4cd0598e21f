"""A version of a model with its life: what made it and of what, how good it was, where its approval stands."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from zaffre.services.assets.show import find
from zaffre.services.assets.view import views
from zaffre.services.context import Context
from zaffre.services.models.approve import view as approval_of
from zaffre.store import assets, endpoints, metrics, texts
from zaffre.store import jobs as job_store
from zaffre.store.assets import AssetRecord
from zaffre.wire.assets import AssetRef, AssetView

GIT = ("commit", "branch", "remote", "dirty")
METRICS = 200  # more are the run's own page to show


def show(ctx: Context, request: AssetRef) -> AssetView:
    """Raises `NotFound`."""
    with ctx.db.read() as connection:
        record = find(connection, "model", request)
        (view,) = views(connection, [record])
        approval = approval_of(connection, record)
        life: dict[str, Any] = {"approval": approval.model_dump(exclude={"name", "version"}, exclude_none=True)}
        life |= _of_run(connection, record)
        life["derived"] = _derived(connection, record)
        life["deployed"] = _deployed(connection, record)
    known = view.model_dump()
    return AssetView(**{**known, **{key: value for key, value in life.items() if value}})


def _of_run(connection: Connection, record: AssetRecord) -> dict[str, Any]:
    """Metrics of the run that made it, and its lineage: code, data, environment. Of a reused step: of the real run."""
    job = job_store.by_ids(connection, [record.job_id]).get(record.job_id) if record.job_id else None
    if job and job.reused_from:
        job = job_store.by_ids(connection, [job.reused_from]).get(job.reused_from, job)
    if job is None:
        return {}
    facts = job.facts or {}
    git = {
        key: value for key, value in (facts.get("git") or {}).items() if key in ("commit", "branch", "remote", "dirty")
    }
    lock = texts.get(connection, facts.get("environment_lock") or "")
    used = [edge for edge in assets.edges_of_job(connection, job.id) if edge.direction == "input"]
    lineage = {
        "job": job.name,
        "code": facts.get("code"),
        "git": git,
        "inputs": [f"{edge.kind}:{edge.ref}" if edge.kind != "uri" else edge.ref for edge in used],
        "environment": (job.plan or {}).get("environment"),
        "packages": len(lock.splitlines()) if lock else None,
    }
    points = metrics.latest(connection, [job.id]).get(job.id, [])[:METRICS]
    return {
        "metrics": {point.key: point.value for point in points},
        "lineage": {key: value for key, value in lineage.items() if value},
    }


def _deployed(connection: Connection, record: AssetRecord) -> list[dict[str, Any]]:
    """The deployments that run it, each with its share of the requests."""
    asset = f"model:{record.name}:{record.version}"
    found: list[dict[str, Any]] = []
    for kind in ("online", "batch"):
        mine = [
            one
            for one in endpoints.deployments_of(connection, kind, record.workspace)
            if (((one.plan or {}).get("run") or {}).get("model") or {}).get("asset") == asset
            or one.spec.get("model") == f"azureml:{record.name}:{record.version}"
        ]
        for one in mine:
            endpoint = endpoints.find(connection, record.workspace, kind, one.endpoint)
            traffic = (endpoint.spec.get("traffic") or {}) if endpoint else {}
            found.append({"kind": kind, "endpoint": one.endpoint, "deployment": one.name,
                          "provisioning_state": one.state, "traffic": traffic.get(one.name)})  # fmt: skip
    return found


def _derived(connection: Connection, record: AssetRecord) -> list[str]:
    """The versions that jobs made of this one: an export, a distillation."""
    edges = assets.edges_of(connection, record)
    users = {edge.job_id for edge, _, _ in edges if edge.direction == "input"}
    made = (edge for job in sorted(users) for edge in assets.edges_of_job(connection, job))
    return [edge.ref for edge in made if edge.direction == "output" and edge.kind == "model"]
