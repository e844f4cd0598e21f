"""The online deployments of a workspace."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from zaffre.base import errors
from zaffre.sdk.collection import Collection, Done
from zaffre.wire import endpoints as wire
from zaffre.wire import online
from zaffre.wire.endpoints import ONLINE, DeploymentView

if TYPE_CHECKING:
    from zaffre.sdk.documents import Submittable

UNDER_WAY = ("Creating", "Updating")
FIRST_LOOK_S, LOOK_S = 0.03, 0.5


class OnlineDeployments(Collection):
    """`ws.online_deployments`.

    >>> ws.online_deployments.begin_create_or_update(load("deployment.yml")).result()    # doctest: +SKIP
    >>> print(ws.online_deployments.get_logs("blue", "risk", lines=20))                  # doctest: +SKIP
    """

    def create_or_update(self, deployment: Submittable, *, all_traffic: bool = False, **changes: Any) -> DeploymentView:
        """Have it made, without waiting for it. With `all_traffic` it gets all requests once it runs.

        Local files that it names are sent first.
        """
        closed = self._scope.closer.close(deployment, changes, default_kind="online-deployment")
        request = wire.PutDeployment(**self._scope.about(spec=closed.spec, all_traffic=all_traffic))
        view: DeploymentView = self._transport.call(ONLINE.create_deployment, request)
        return view

    def begin_create_or_update(
        self, deployment: Submittable, *, all_traffic: bool = False, **changes: Any
    ) -> Done[DeploymentView]:
        """Make it and wait until it runs. Raises `Conflict` with the cause when it cannot."""
        made = self.create_or_update(deployment, all_traffic=all_traffic, **changes)
        return Done(self.wait(made.name, made.endpoint_name))

    def wait(
        self, name: str, endpoint_name: str, look: Callable[[DeploymentView], None] = lambda _view: None
    ) -> DeploymentView:
        """Until it runs; `look` sees every state on the way. Raises `Conflict` with the cause when it failed."""
        pause = FIRST_LOOK_S
        while (view := self.get(name, endpoint_name)).provisioning_state in UNDER_WAY:
            look(view)
            time.sleep(pause)
            pause = min(pause * 1.3, LOOK_S)
        if view.provisioning_state == "Failed":
            raise errors.Conflict(
                f"deployment {name} of {endpoint_name} failed: {view.message}",
                code="DeploymentFailed",
                hint=f"zaffre online-deployment get-logs --name {name} --endpoint-name {endpoint_name}",
            )
        return view

    def get(self, name: str, endpoint_name: str) -> DeploymentView:
        """Raises `NotFound`."""
        view: DeploymentView = self._transport.call(ONLINE.show_deployment, self._ref(name, endpoint_name))
        return view

    def list(self, endpoint_name: str) -> Iterator[DeploymentView]:
        """Those of an endpoint, in the order in which they were made."""
        request = wire.ListDeployments(**self._scope.about(endpoint=endpoint_name))
        return iter(self._transport.call(ONLINE.list_deployments, request).items)

    def update(self, name: str, endpoint_name: str, changes: Mapping[str, Any]) -> DeploymentView:
        """Change some fields; what is run otherwise comes up beside what serves. Waits until it runs."""
        request = wire.UpdateDeployment(**self._scope.about(name=name, endpoint=endpoint_name, changes=dict(changes)))
        self._transport.call(ONLINE.update_deployment, request)
        return self.wait(name, endpoint_name)

    def delete(self, name: str, endpoint_name: str) -> None:
        """Raises `Conflict` while it gets traffic."""
        self._transport.call(ONLINE.delete_deployment, self._ref(name, endpoint_name))

    def begin_delete(self, name: str, endpoint_name: str) -> Done[None]:
        """Like `delete`."""
        self.delete(name, endpoint_name)
        return Done(None)

    def get_logs(self, name: str, endpoint_name: str, lines: int | None = None) -> str:
        """What it printed: the building of its environment and its workers; the last `lines`, or all."""
        return b"".join(self.log(name, endpoint_name, lines=lines)).decode("utf-8", "replace")

    def log(self, name: str, endpoint_name: str, *, lines: int | None = None, follow: bool = False) -> Iterator[bytes]:
        """The same as it comes; with `follow` without end."""
        request = online.ReadDeploymentLog(
            **self._scope.about(name=name, endpoint=endpoint_name, tail_lines=lines, follow=follow)
        )
        return self._transport.stream_down(online.LOG, request)

    def _ref(self, name: str, endpoint_name: str) -> wire.DeploymentRef:
        return wire.DeploymentRef(**self._scope.about(name=name, endpoint=endpoint_name))
