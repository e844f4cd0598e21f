"""The deployments of batch endpoints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from zaffre.sdk.collection import Collection, Done
from zaffre.wire import endpoints
from zaffre.wire.endpoints import BATCH, DeploymentView

if TYPE_CHECKING:
    from zaffre.sdk.documents import Submittable


class BatchDeployments(Collection):
    """`ws.batch_deployments`.

    >>> ws.batch_deployments.create_or_update(                                        # doctest: +SKIP
    ...     {"name": "forest", "endpoint_name": "risk", "model": "azureml:risk@latest"}, set_default=True)
    """

    def create_or_update(self, deployment: Submittable, *, set_default: bool = False, **changes: Any) -> DeploymentView:
        """Create a deployment, or replace the one of that name. Local files that it names are sent.

        Raises `NotFound`, `InvalidRequest` for what could not run.
        """
        closed = self._scope.closer.close(deployment, changes, default_kind="batch-deployment")
        fields = self._scope.about(spec=closed.spec, all_traffic=set_default)
        view: DeploymentView = self._transport.call(BATCH.create_deployment, endpoints.PutDeployment(**fields))
        return view

    def begin_create_or_update(self, deployment: Submittable, **changes: Any) -> Done[DeploymentView]:
        """Like `create_or_update`."""
        return Done(self.create_or_update(deployment, **changes))

    def get(self, name: str, endpoint_name: str) -> DeploymentView:
        """Raises `NotFound`."""
        view: DeploymentView = self._transport.call(BATCH.show_deployment, self._ref(name, endpoint_name))
        return view

    def list(self, endpoint_name: str) -> Iterator[DeploymentView]:
        """Those of one endpoint, in the order in which they were made."""
        request = endpoints.ListDeployments(**self._scope.about(endpoint=endpoint_name))
        return iter(self._transport.call(BATCH.list_deployments, request).items)

    def update(self, name: str, endpoint_name: str, changes: Mapping[str, Any]) -> DeploymentView:
        """Merge `changes` into the document; None takes a field away."""
        fields = self._scope.about(name=name, endpoint=endpoint_name, changes=dict(changes))
        view: DeploymentView = self._transport.call(BATCH.update_deployment, endpoints.UpdateDeployment(**fields))
        return view

    def delete(self, name: str, endpoint_name: str) -> None:
        """Delete a deployment; the jobs that it ran stay."""
        self._transport.call(BATCH.delete_deployment, self._ref(name, endpoint_name))

    def begin_delete(self, name: str, endpoint_name: str) -> Done[None]:
        """Like `delete`."""
        self.delete(name, endpoint_name)
        return Done(None)

    def _ref(self, name: str, endpoint_name: str) -> endpoints.DeploymentRef:
        return endpoints.DeploymentRef(**self._scope.about(name=name, endpoint=endpoint_name))
