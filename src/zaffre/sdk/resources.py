"""What datastores and computes have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from zaffre.sdk.collection import Collection, Done
from zaffre.wire import resources as wire
from zaffre.wire.operation import WorkspaceRequest
from zaffre.wire.resources import Operations, ResourceView

if TYPE_CHECKING:
    from zaffre.sdk.documents import Submittable


class Resources(Collection):
    kind: ClassVar[str]
    operations: ClassVar[Operations]

    def create_or_update(self, resource: Submittable, **changes: Any) -> ResourceView:
        """Create it, or replace the one of the same name."""
        closed = self._scope.closer.close(resource, changes, default_kind=self.kind)
        return self._view(self.operations.create, wire.PutResource(**self._scope.about(spec=closed.spec)))

    def begin_create_or_update(self, resource: Submittable, **changes: Any) -> Done[ResourceView]:
        """Like `create_or_update`."""
        return Done(self.create_or_update(resource, **changes))

    def get(self, name: str) -> ResourceView:
        """Raises `NotFound`."""
        return self._view(self.operations.show, self._ref(name))

    def list(self) -> Iterator[ResourceView]:
        """All of them."""
        return iter(self._transport.call(self.operations.list, WorkspaceRequest(**self._scope.about())).items)

    def update(self, name: str, changes: Mapping[str, Any]) -> ResourceView:
        """Change some fields; nested mappings are merged, None takes a field away."""
        request = wire.UpdateResource(**self._scope.about(name=name, changes=dict(changes)))
        return self._view(self.operations.update, request)

    def delete(self, name: str) -> None:
        """Raises `NotFound`, or `Conflict` while it is in use."""
        self._transport.call(self.operations.delete, self._ref(name))

    def begin_delete(self, name: str) -> Done[None]:
        """Like `delete`."""
        self.delete(name)
        return Done(None)

    def _ref(self, name: str) -> wire.ResourceRef:
        return wire.ResourceRef(**self._scope.about(name=name))

    def _view(self, operation: Any, request: Any) -> ResourceView:
        view: ResourceView = self._transport.call(operation, request)
        return view
