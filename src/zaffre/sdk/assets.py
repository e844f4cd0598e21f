"""What data, environments, components and models have in common: versions of names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from zaffre.sdk.collection import Collection, listed, pages, texts
from zaffre.wire import assets as wire
from zaffre.wire.assets import AssetView, LineageView, Operations

if TYPE_CHECKING:
    from zaffre.sdk.documents import Submittable


class Assets(Collection):
    """Versions are immutable; without version or label, `latest` is meant."""

    kind: ClassVar[str]
    operations: ClassVar[Operations]

    def create_or_update(self, asset: Submittable, **changes: Any) -> AssetView:
        """Create a version; without one in the document the next number is taken.

        The same content again under a version that exists is fine; other content raises `Conflict`.
        """
        closed = self._scope.closer.close(asset, changes, default_kind=self.kind)
        request = wire.CreateAsset(**self._scope.about(spec=closed.spec))
        return self._view(self._transport.call(self.operations.create, request))

    def get(self, name: str, version: str | None = None, label: str | None = None) -> AssetView:
        """Raises `NotFound`."""
        return self._view(self._transport.call(self.operations.show, self._ref(name, version, label)))

    def list(
        self,
        name: str | None = None,
        *,
        tag: str | None = None,
        max_results: int | None = None,
        archived_only: bool = False,
        include_archived: bool = False,
    ) -> Iterator[AssetView]:
        """The newest version of each name, or every version of one name, newest first."""
        fields = self._scope.about(name=name, tag=tag, listed=listed(archived_only, include_archived))

        def ask(cursor: str | None, size: int) -> Any:
            request = wire.ListAssets(**fields, max_results=size, cursor=cursor)
            return self._transport.call(self.operations.list, request)

        return pages(ask, max_results)

    def update(
        self,
        name: str,
        version: str | None = None,
        label: str | None = None,
        *,
        description: str | None = None,
        tags: Mapping[str, Any] | None = None,
        properties: Mapping[str, Any] | None = None,
        labels: list[str] | None = None,  # type: ignore[valid-type]  # `list` is also a method here
    ) -> AssetView:
        """Change what may change of a version. A tag or property that is None is taken away; `labels` point here."""
        fields = self._scope.about(
            name=name,
            version=version,
            label=label,
            description=description,
            tags=texts(tags),
            properties=texts(properties),
            labels=labels,
        )
        return self._view(self._transport.call(self.operations.update, wire.UpdateAsset(**fields)))

    def archive(self, name: str, version: str | None = None, label: str | None = None) -> None:
        """Hide a version from lists, or without version and label every one of the name."""
        self._transport.call(self.operations.archive, self._versions(name, version, label))

    def restore(self, name: str, version: str | None = None, label: str | None = None) -> None:
        """Show in lists again."""
        self._transport.call(self.operations.restore, self._versions(name, version, label))

    def delete(self, name: str, version: str | None = None, label: str | None = None) -> None:
        """Delete a version, or all of a name. Raises `Conflict` while something depends on it."""
        self._transport.call(self.operations.delete, self._versions(name, version, label))

    def lineage(self, name: str, version: str | None = None, label: str | None = None) -> LineageView:
        """What made this version, and what used it."""
        view: LineageView = self._transport.call(self.operations.lineage, self._ref(name, version, label))
        return view

    def _ref(self, name: str, version: str | None, label: str | None) -> wire.AssetRef:
        return wire.AssetRef(**self._scope.about(name=name, version=version, label=label))

    def _versions(self, name: str, version: str | None, label: str | None) -> wire.AssetVersion:
        return wire.AssetVersion(**self._scope.about(name=name, version=version, label=label))

    @staticmethod
    def _view(view: AssetView) -> AssetView:
        return view
