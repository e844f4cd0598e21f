"""Which service answers which operation. A test holds this table complete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zaffre.core.approval import Approval
from zaffre.services.assets import change as asset_change
from zaffre.services.assets import create as asset_create
from zaffre.services.assets import show as asset_show
from zaffre.services.audit import show as audit_show
from zaffre.services.batch_endpoints import deployment as batch_deployment
from zaffre.services.batch_endpoints import endpoint as batch_endpoint
from zaffre.services.batch_endpoints import invoke as batch_invoke
from zaffre.services.computes import manage as computes
from zaffre.services.computes import use as compute_use
from zaffre.services.content import transfer
from zaffre.services.context import Context
from zaffre.services.data import diff
from zaffre.services.data import download as data_download
from zaffre.services.data import files as data_files
from zaffre.services.data import profile as data_profile
from zaffre.services.datastores import manage as datastores
from zaffre.services.environments import build_log
from zaffre.services.jobs import (
    cancel,
    change,
    download,
    facts,
    files,
    graph,
    log,
    log_search,
    plan,
    rerun,
    resume,
    show,
    submit,
    table,
    watch,
)
from zaffre.services.jobs import diff as job_diff
from zaffre.services.lineage import graph as lineage_graph
from zaffre.services.metrics import query as metrics_query
from zaffre.services.metrics import show as metrics_show
from zaffre.services.models import alias, approve, export, import_files, package, promote
from zaffre.services.models import listing as model_listing
from zaffre.services.models import show as model_show
from zaffre.services.online_deployments import create as deployment_create
from zaffre.services.online_deployments import delete as deployment_delete
from zaffre.services.online_deployments import log as deployment_log
from zaffre.services.online_deployments import show as deployment_show
from zaffre.services.online_endpoints import create as endpoint_create
from zaffre.services.online_endpoints import delete as endpoint_delete
from zaffre.services.online_endpoints import invoke as endpoint_invoke
from zaffre.services.online_endpoints import keys as endpoint_keys
from zaffre.services.online_endpoints import rollback as endpoint_rollback
from zaffre.services.online_endpoints import run as endpoint_run
from zaffre.services.online_endpoints import show as endpoint_show
from zaffre.services.online_endpoints import traffic as endpoint_traffic
from zaffre.services.runs import compare, images, keys, search
from zaffre.services.server import state, storage
from zaffre.services.views import manage as views
from zaffre.services.workspaces import manage as workspaces

Handler = Callable[..., Any]


def _versioned(kind: str) -> dict[str, Handler]:
    return {
        f"{kind}.create": asset_create.creator(kind),
        f"{kind}.list": asset_show.lister(kind),
        f"{kind}.show": asset_show.shower(kind),
        f"{kind}.update": asset_change.updater(kind),
        f"{kind}.archive": asset_change.archiver(kind, True),
        f"{kind}.restore": asset_change.archiver(kind, False),
        f"{kind}.delete": asset_change.deleter(kind),
        f"{kind}.lineage": asset_show.tracer(kind),
    }


HANDLERS: dict[str, Handler] = {
    "jobs.create": submit.submit,
    "jobs.plan": plan.plan,
    "jobs.list": show.list_jobs,
    "jobs.show": show.show,
    "jobs.facts": facts.facts,
    "jobs.update": change.update,
    "jobs.cancel": cancel.cancel,
    "jobs.archive": change.archive,
    "jobs.restore": change.restore,
    "jobs.resume": resume.resume,
    "jobs.rerun": rerun.rerun,
    "jobs.diff": job_diff.diff,
    "jobs.log": log.read_log,
    "jobs.watch": watch.watch,
    "jobs.download": download.download,
    "jobs.files": files.list_files,
    "jobs.file": files.read_file,
    "jobs.document": show.document,
    "jobs.graph": graph.graph,
    "jobs.states": graph.states,
    "jobs.cause": graph.cause,
    "jobs.log_size": log_search.size,
    "jobs.log_search": log_search.search,
    "jobs.log_line": log_search.line,
    "lineage.graph": lineage_graph.graph,
    "metrics.query": metrics_query.query,
    "metrics.columns": metrics_query.columns,
    "metrics.list": metrics_show.list_metrics,
    "metrics.history": metrics_show.history,
    "runs.search": search.search,
    "runs.count": search.count,
    "runs.keys": keys.keys,
    "runs.images": images.images,
    "jobs.table": table.preview,
    "runs.compare": compare.compare,
    "views.list": views.list_views,
    "views.create": views.create,
    "views.show": views.show,
    "views.update": views.update,
    "views.delete": views.delete,
    **_versioned("data"),
    "data.diff": diff.diff,
    "data.check": diff.check,
    "data.download": data_download.downloader("data"),
    "data.files": data_files.lister("data"),
    "data.file": data_files.reader("data"),
    "data.profile": data_profile.profile,
    **_versioned("model"),
    "model.download": data_download.downloader("model"),
    "model.list": model_listing.list_models,
    "model.files": data_files.lister("model"),
    "model.file": data_files.reader("model"),
    "model.show": model_show.show,
    "model.request_approval": approve.decider(Approval.REQUESTED),
    "model.approve": approve.decider(Approval.APPROVED),
    "model.reject": approve.decider(Approval.REJECTED),
    "model.set_alias": alias.set_alias,
    "model.delete_alias": alias.delete_alias,
    "model.promote": promote.promote,
    "model.export": export.export,
    "model.package": package.package,
    "model.import": import_files.import_files,
    **_versioned("environment"),
    "environment.build_log": build_log.read_log,
    **_versioned("component"),
    "workspace.create": workspaces.create,
    "workspace.list": workspaces.list_workspaces,
    "workspace.show": workspaces.show,
    "workspace.delete": workspaces.delete,
    "datastore.create": datastores.create,
    "datastore.list": datastores.list_datastores,
    "datastore.show": datastores.show,
    "datastore.update": datastores.update,
    "datastore.delete": datastores.delete,
    "compute.create": computes.create,
    "compute.list": computes.list_computes,
    "compute.show": computes.show,
    "compute.update": computes.update,
    "compute.delete": computes.delete,
    "compute.use": compute_use.use,
    "batch-endpoint.create": batch_endpoint.create,
    "batch-endpoint.list": batch_endpoint.list_endpoints,
    "batch-endpoint.show": batch_endpoint.show,
    "batch-endpoint.update": batch_endpoint.update,
    "batch-endpoint.delete": batch_endpoint.delete,
    "batch-endpoint.invoke": batch_invoke.invoke,
    "batch-endpoint.jobs": batch_invoke.list_invocations,
    "batch-deployment.create": batch_deployment.create,
    "batch-deployment.list": batch_deployment.list_deployments,
    "batch-deployment.show": batch_deployment.show,
    "batch-deployment.update": batch_deployment.update,
    "batch-deployment.delete": batch_deployment.delete,
    "content.missing": transfer.missing,
    "content.upload": transfer.upload,
    "content.tree": transfer.put_tree,
    "online-endpoint.create": endpoint_create.create,
    "online-endpoint.list": endpoint_show.list_endpoints,
    "online-endpoint.show": endpoint_show.show,
    "online-endpoint.update": endpoint_create.update,
    "online-endpoint.delete": endpoint_delete.delete,
    "online-endpoint.credentials": endpoint_keys.credentials,
    "online-endpoint.regenerate-keys": endpoint_keys.regenerate,
    "online-endpoint.rollback": endpoint_rollback.rollback,
    "online-endpoint.stop": endpoint_run.stop,
    "online-endpoint.start": endpoint_run.start,
    "online-endpoint.history": endpoint_show.history,
    "online-endpoint.invoke": endpoint_invoke.invoke,
    "online-endpoint.schema": endpoint_invoke.describe,
    "online-endpoint.metrics": endpoint_traffic.read,
    "online-deployment.create": deployment_create.create,
    "online-deployment.list": deployment_show.list_deployments,
    "online-deployment.show": deployment_show.show,
    "online-deployment.update": deployment_create.update,
    "online-deployment.delete": deployment_delete.delete,
    "online-deployment.log": deployment_log.read_log,
    "server.health": state.health,
    "server.status": state.status,
    "server.stop": state.stop,
    "audit.list": audit_show.list_audit,
    "storage.scrub": storage.scrub,
    "storage.gc": storage.collect,
}


def answer(ctx: Context, name: str, request: Any, *body: Any) -> Any:
    """In process: the same service that the REST route calls; `body` is the stream of an upload."""
    return HANDLERS[name](ctx, request, *body)
