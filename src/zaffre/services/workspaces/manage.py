"""Workspaces: create, list, show, delete."""

from __future__ import annotations

from typing import Any

from zaffre.base.clock import iso
from zaffre.base.errors import Conflict
from zaffre.services.context import Context
from zaffre.spec.document import dump, parse
from zaffre.store import job_living, resources
from zaffre.wire.operation import Empty
from zaffre.wire.resources import Nothing, PutWorkspace, WorkspaceList, WorkspaceRef, WorkspaceView

DEFAULT = "default"
# Scripts written for Azure ML ask for mlflow without a version and break with today's; what a file pins itself wins.
DEFAULT_CONSTRAINTS = ["mlflow<3.10", "mlflow-skinny<3.10"]


def ensure_default(ctx: Context) -> None:
    """The workspace that is there from the beginning."""
    with ctx.db.write() as connection:
        if not resources.list_workspaces(connection):
            spec = {"name": DEFAULT, "description": "The first workspace.", "constraints": DEFAULT_CONSTRAINTS}
            resources.put_workspace(ctx.db, connection, DEFAULT, spec)


def create(ctx: Context, request: PutWorkspace) -> WorkspaceView:
    """Create it, or change what is given."""
    spec = dump(parse(request.spec, kind="workspace").spec)
    name = str(spec["name"])
    with ctx.db.write() as connection:
        there = {known: former for known, former, _ in resources.list_workspaces(connection)}
        merged = {"constraints": DEFAULT_CONSTRAINTS, **there.get(name, {}), **spec}
        resources.put_workspace(ctx.db, connection, name, merged)
        return _view(ctx, name, *resources.get_workspace(connection, name))


def show(ctx: Context, request: WorkspaceRef) -> WorkspaceView:
    with ctx.db.read() as connection:
        return _view(ctx, request.workspace, *resources.get_workspace(connection, request.workspace))


def list_workspaces(ctx: Context, _request: Nothing) -> WorkspaceList:
    with ctx.db.read() as connection:
        return WorkspaceList(items=[_view(ctx, *item) for item in resources.list_workspaces(connection)])


def delete(ctx: Context, request: WorkspaceRef) -> Empty:
    """Its jobs and assets stay in the database and come back with a workspace of the same name.

    Raises `Conflict` for the default workspace and while jobs run.
    """
    if request.workspace == DEFAULT:
        raise Conflict("the workspace default cannot be deleted", code="WorkspaceInUse")
    with ctx.db.write() as connection:
        resources.get_workspace(connection, request.workspace)
        if living := job_living.count_living(connection, request.workspace):
            raise Conflict(
                f"{living} jobs of workspace {request.workspace} are living",
                code="WorkspaceInUse",
                hint=f"zaffre job list --workspace-name {request.workspace}",
            )
        resources.delete_workspace(connection, request.workspace)
    return Empty()


def _view(ctx: Context, name: str, spec: dict[str, Any], created_at: int) -> WorkspaceView:
    shown = {key: value for key, value in spec.items() if key != "name"}
    uri = f"{ctx.settings.url}/mlflow/{name}"
    return WorkspaceView(**{**shown, "name": name, "mlflow_tracking_uri": uri, "created_at": iso(created_at)})
