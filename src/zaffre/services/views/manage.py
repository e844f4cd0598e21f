"""Saved views: save, list, show, change, delete. A shared one is its owner's to change, and the workspace's to see."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from zaffre.base.clock import iso, now_ms
from zaffre.base.errors import Conflict, Forbidden
from zaffre.base.ids import token
from zaffre.core.permissions import OWNER
from zaffre.services.context import Context
from zaffre.store import views as store
from zaffre.store.resources import get_workspace
from zaffre.store.views import ViewRecord
from zaffre.wire.operation import Empty
from zaffre.wire.views import CreateView, DeleteView, ListViews, SavedView, UpdateView, ViewList, ViewRef

MOST = 1000  # of one owner in a workspace


def create(ctx: Context, request: CreateView) -> SavedView:
    """Raises `Conflict` when somebody has saved more than anybody needs."""
    me, now = ctx.principal.name, now_ms()
    record = ViewRecord(
        id=token(16),
        workspace=request.workspace,
        page=request.page,
        name=request.name,
        query=request.query,
        owner=me,
        shared=request.shared,
        default_for=store.audience(request.page, me, request.shared) if request.default else None,
        version=1,
        created_at=now,
        changed_at=now,
    )
    with ctx.db.write() as connection:
        get_workspace(connection, request.workspace)
        if sum(view.owner == me for view in store.visible(connection, request.workspace, me, None)) >= MOST:
            raise Conflict(f"there are {MOST} saved views already", code="TooManyViews", hint="delete some")
        store.insert(connection, record)
    return _view(record)


def list_views(ctx: Context, request: ListViews) -> ViewList:
    with ctx.db.read() as connection:
        get_workspace(connection, request.workspace)
        found = store.visible(connection, request.workspace, ctx.principal.name, request.page)
    return ViewList(items=[_view(record) for record in found])


def show(ctx: Context, request: ViewRef) -> SavedView:
    with ctx.db.read() as connection:
        return _view(store.get(connection, request.workspace, request.id, ctx.principal.name))


def update(ctx: Context, request: UpdateView) -> SavedView:
    """Raises `Conflict` when it is no longer the version that was changed, `Forbidden` for somebody else's."""
    with ctx.db.write() as connection:
        record = _mine(ctx, connection, request)
        values: dict[str, Any] = {
            key: value for key in ("name", "query", "shared") if (value := getattr(request, key)) is not None
        }
        default = record.default_for is not None if request.default is None else request.default
        shared = values.get("shared", record.shared)
        values["default_for"] = store.audience(record.page, record.owner, shared) if default else None
        store.change(connection, record, request.version, values)
        return _view(store.get(connection, request.workspace, request.id, ctx.principal.name))


def delete(ctx: Context, request: DeleteView) -> Empty:
    with ctx.db.write() as connection:
        store.remove(connection, _mine(ctx, connection, request), request.version)
    return Empty()


def _mine(ctx: Context, connection: Connection, request: ViewRef) -> ViewRecord:
    record = store.get(connection, request.workspace, request.id, ctx.principal.name)
    if record.owner != ctx.principal.name and ctx.principal.role is not OWNER.role:
        raise Forbidden(
            f"the view {record.name!r} is of {record.owner}", code="ViewOfAnother", hint="save a copy under a new name"
        )
    return record


def _view(record: ViewRecord) -> SavedView:
    return SavedView(
        id=record.id,
        name=record.name,
        page=record.page,
        query=record.query,
        shared=record.shared,
        default=record.default_for is not None,
        owner=record.owner,
        version=record.version,
        created_at=str(iso(record.created_at)),
        changed_at=str(iso(record.changed_at)),
    )
