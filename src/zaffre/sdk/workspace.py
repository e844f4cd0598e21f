"""A workspace: where jobs, data, environments, components, models and computes of a team are."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from zaffre.sdk.batch_deployments import BatchDeployments
from zaffre.sdk.batch_endpoints import BatchEndpoints
from zaffre.sdk.closing import Closer
from zaffre.sdk.collection import Scope
from zaffre.sdk.components import Components
from zaffre.sdk.computes import Computes
from zaffre.sdk.connect import connect
from zaffre.sdk.data import DataAssets
from zaffre.sdk.datastores import Datastores
from zaffre.sdk.environments import Environments
from zaffre.sdk.http_transport import HttpTransport
from zaffre.sdk.jobs import Jobs
from zaffre.sdk.metrics import Metrics
from zaffre.sdk.models import Models
from zaffre.sdk.online_deployments import OnlineDeployments
from zaffre.sdk.online_endpoints import OnlineEndpoints
from zaffre.sdk.runs import Runs
from zaffre.sdk.transport import Transport
from zaffre.sdk.workspaces import Workspaces


def default_name() -> str:
    """`ZAFFRE_WORKSPACE`, which every job has, else `default`."""
    return os.environ.get("ZAFFRE_WORKSPACE") or "default"


class Workspace:
    """The client. Make one with `from_home` (this machine) or `connect` (any server).

    >>> ws = Workspace.from_home()                      # doctest: +SKIP
    >>> job = ws.jobs.create_or_update(load_job("job.yml"))     # doctest: +SKIP
    """

    def __init__(self, transport: Transport, name: str = "default", *, content: Path | None = None) -> None:
        """`content` is the content store of the server when it lies on this machine: files then need no HTTP."""
        self.name = name
        self._transport = transport
        self._scope = Scope(transport, name, Closer(transport, name, content))

    @classmethod
    def connect(cls, url: str, token: str | None = None, workspace: str | None = None) -> Self:
        """The workspace of a server somewhere; nothing is asked of it yet. Without a name: see `from_home`.

        In a job: `Workspace.connect(os.environ["ZAFFRE_URL"], os.environ["ZAFFRE_TOKEN"])`.
        """
        return cls(HttpTransport(url, token), workspace or default_name())

    @classmethod
    def from_home(cls, home: str | Path | None = None, workspace: str | None = None, *, start: bool = True) -> Self:
        """The workspace of the server that `ZAFFRE_URL` names, else of the home folder; one is started if none runs.

        Without a name it is the one that `ZAFFRE_WORKSPACE` names (in a job: the job's own), else `default`.
        Raises `NotFound` when none runs and `start` is false, `Unavailable` when it does not start.
        """
        address, transport = connect(Path(home) if home is not None else None, start=start)
        return cls(transport, workspace or default_name(), content=address.home.content if address.home else None)

    @cached_property
    def jobs(self) -> Jobs:
        return Jobs(self._scope)

    @cached_property
    def runs(self) -> Runs:
        return Runs(self._scope)

    @cached_property
    def data(self) -> DataAssets:
        return DataAssets(self._scope)

    @cached_property
    def environments(self) -> Environments:
        return Environments(self._scope)

    @cached_property
    def components(self) -> Components:
        return Components(self._scope)

    @cached_property
    def metrics(self) -> Metrics:
        return Metrics(self._scope)

    @cached_property
    def models(self) -> Models:
        return Models(self._scope)

    @cached_property
    def online_endpoints(self) -> OnlineEndpoints:
        return OnlineEndpoints(self._scope)

    @cached_property
    def online_deployments(self) -> OnlineDeployments:
        return OnlineDeployments(self._scope)

    @cached_property
    def batch_endpoints(self) -> BatchEndpoints:
        return BatchEndpoints(self._scope)

    @cached_property
    def batch_deployments(self) -> BatchDeployments:
        return BatchDeployments(self._scope)

    @cached_property
    def datastores(self) -> Datastores:
        return Datastores(self._scope)

    @cached_property
    def computes(self) -> Computes:
        return Computes(self._scope)

    @property
    def compute(self) -> Computes:
        """The name that Azure ML users know for `computes`."""
        return self.computes

    @cached_property
    def workspaces(self) -> Workspaces:
        return Workspaces(self._scope)

    @property
    def transport(self) -> Transport:
        """For operations that no collection offers."""
        return self._transport

    def close(self) -> None:
        """Let go of connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Workspace({self.name!r})"
