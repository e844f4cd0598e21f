"""The workspaces of a server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from zaffre.sdk.collection import Collection, Done
from zaffre.wire import resources as wire
from zaffre.wire.resources import WorkspaceView

if TYPE_CHECKING:
    from zaffre.sdk.documents import Submittable


class Workspaces(Collection):
    """`ws.workspaces`."""

    def create_or_update(self, workspace: Submittable, **changes: Any) -> WorkspaceView:
        """Create a workspace, or change the one of the same name."""
        closed = self._scope.closer.close(workspace, changes, default_kind="workspace")
        return self._transport.call(wire.CREATE_WORKSPACE, wire.PutWorkspace(spec=closed.spec))

    def begin_create(self, workspace: Submittable, **changes: Any) -> Done[WorkspaceView]:
        """Like `create_or_update`."""
        return Done(self.create_or_update(workspace, **changes))

    def get(self, name: str | None = None) -> WorkspaceView:
        """The named workspace, or this one. Raises `NotFound`."""
        return self._transport.call(wire.SHOW_WORKSPACE, self._ref(name))

    def list(self) -> Iterator[WorkspaceView]:
        """All workspaces of the server."""
        return iter(self._transport.call(wire.LIST_WORKSPACES, wire.Nothing()).items)

    def delete(self, name: str) -> None:
        """Delete a workspace and all in it. Raises `Conflict` while jobs run in it."""
        self._transport.call(wire.DELETE_WORKSPACE, self._ref(name))

    def begin_delete(self, name: str) -> Done[None]:
        """Like `delete`."""
        self.delete(name)
        return Done(None)

    def _ref(self, name: str | None) -> wire.WorkspaceRef:
        return wire.WorkspaceRef(workspace=name or self._scope.workspace)
