"""Workspaces, datastores, computes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete, select
from sqlalchemy.sql.elements import ColumnElement

from zaffre.base.clock import now_ms
from zaffre.base.errors import NotFound
from zaffre.store.db import Database
from zaffre.store.tables.resources import resources, workspaces

LIST_HINT = {"datastore": "zaffre datastore list", "compute": "zaffre compute list"}


def put_workspace(db: Database, connection: Connection, name: str, spec: dict[str, Any]) -> None:
    now = now_ms()
    statement = db.insert(workspaces).values(name=name, spec=spec, created_at=now, changed_at=now)
    statement = statement.on_conflict_do_update(index_elements=["name"], set_={"spec": spec, "changed_at": now})
    connection.execute(statement)


def get_workspace(connection: Connection, name: str) -> tuple[dict[str, Any], int]:
    """(spec, created_at). Raises `NotFound`."""
    row = connection.execute(
        select(workspaces.c.spec, workspaces.c.created_at).where(workspaces.c.name == name)
    ).first()
    if row is None:
        raise NotFound(f"workspace {name} does not exist", code="WorkspaceNotFound", hint="zaffre workspace list")
    return row[0], row[1]


def list_workspaces(connection: Connection) -> list[tuple[str, dict[str, Any], int]]:
    query = select(workspaces.c.name, workspaces.c.spec, workspaces.c.created_at).order_by(workspaces.c.name)
    return [(row[0], row[1], row[2]) for row in connection.execute(query)]


def delete_workspace(connection: Connection, name: str) -> None:
    connection.execute(delete(resources).where(resources.c.workspace == name))
    connection.execute(delete(workspaces).where(workspaces.c.name == name))


def put(
    db: Database,
    connection: Connection,
    workspace: str,
    kind: str,
    name: str,
    spec: dict[str, Any],
    secret: bytes | None,
) -> None:
    """Create or replace; a secret that is not given again is kept."""
    now = now_ms()
    values = {"spec": spec, "changed_at": now} | ({"secret": secret} if secret is not None else {})
    statement = db.insert(resources).values(workspace=workspace, kind=kind, name=name, created_at=now, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["workspace", "kind", "name"], set_=values))


def _where(workspace: str, kind: str, name: str) -> list[ColumnElement[bool]]:
    return [resources.c.workspace == workspace, resources.c.kind == kind, resources.c.name == name]


def get(connection: Connection, workspace: str, kind: str, name: str) -> tuple[dict[str, Any], bytes | None]:
    """(spec, encrypted secret). Raises `NotFound`."""
    query = select(resources.c.spec, resources.c.secret).where(*_where(workspace, kind, name))
    row = connection.execute(query).first()
    if row is None:
        raise NotFound(
            f"{kind} {name} not found in workspace {workspace}", code=f"{kind.title()}NotFound", hint=LIST_HINT[kind]
        )
    return row[0], row[1]


def every(connection: Connection, workspace: str, kind: str) -> list[dict[str, Any]]:
    query = select(resources.c.spec).where(resources.c.workspace == workspace, resources.c.kind == kind)
    return [row[0] for row in connection.execute(query.order_by(resources.c.name))]


def remove(connection: Connection, workspace: str, kind: str, name: str) -> None:
    """Raises `NotFound`."""
    if not connection.execute(delete(resources).where(*_where(workspace, kind, name))).rowcount:
        get(connection, workspace, kind, name)
