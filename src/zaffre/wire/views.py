"""Saved views on the wire: a page of the Studio with its filter, columns, order and charts, under a name."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from zaffre.core.permissions import Permission
from zaffre.wire.operation import NUMBER, Empty, Operation, View, WorkspaceRequest


class ListViews(WorkspaceRequest):
    page: str | None = Field(default=None, max_length=100)


class CreateView(WorkspaceRequest):
    """`page` is the page of the Studio (`jobs`), `query` the query string of its address."""

    name: str = Field(min_length=1, max_length=200)
    page: str = Field(min_length=1, max_length=100)
    query: str = Field(max_length=20_000)
    shared: bool = False  # with everybody in the workspace
    default: bool = False  # the one that the page opens with; the former default is none any more


class ViewRef(WorkspaceRequest):
    id: str = Field(max_length=40)


class UpdateView(ViewRef):
    """`version` is the one that was changed: the view of somebody else's hand is not overwritten (409, ViewChanged)."""

    version: int = Field(ge=1, le=NUMBER)
    name: str | None = Field(default=None, min_length=1, max_length=200)
    query: str | None = Field(default=None, max_length=20_000)
    shared: bool | None = None
    default: bool | None = None


class DeleteView(ViewRef):
    version: int | None = Field(default=None, ge=1, le=NUMBER)  # delete only if it is still this one


class SavedView(View):
    """Private ones are shown to their owner only. A page opens with one's own default, else with the shared one."""

    id: str
    name: str
    page: str
    query: str
    shared: bool
    default: bool
    owner: str
    version: int
    created_at: str
    changed_at: str


class ViewList(View):
    items: list[SavedView]


_VIEWS = "/workspaces/{workspace}/views"
_VIEW = _VIEWS + "/{id}"
LIST = Operation("views.list", "GET", _VIEWS, ListViews, ViewList, Permission.VIEWS_READ,
                 "List saved views: one's own and the shared ones")  # fmt: skip
CREATE = Operation("views.create", "POST", _VIEWS, CreateView, SavedView, Permission.VIEWS_WRITE, "Save a view")
SHOW = Operation("views.show", "GET", _VIEW, ViewRef, SavedView, Permission.VIEWS_READ, "Show a saved view")
UPDATE = Operation("views.update", "PATCH", _VIEW, UpdateView, SavedView, Permission.VIEWS_WRITE,
                   "Change a saved view")  # fmt: skip
DELETE = Operation("views.delete", "DELETE", _VIEW, DeleteView, Empty, Permission.VIEWS_WRITE, "Delete a saved view")

OPERATIONS: tuple[Operation[Any, Any], ...] = (LIST, CREATE, SHOW, UPDATE, DELETE)
