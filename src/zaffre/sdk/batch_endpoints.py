"""The batch endpoints of a workspace."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zaffre.sdk.collection import Collection, Done, pages
from zaffre.wire import batch as wire
from zaffre.wire import endpoints
from zaffre.wire.endpoints import BATCH, EndpointView
from zaffre.wire.jobs import JobList, JobView
from zaffre.wire.operation import WorkspaceRequest

if TYPE_CHECKING:
    from zaffre.sdk.documents import Submittable


class BatchEndpoints(Collection):
    """`ws.batch_endpoints`.

    >>> ws.batch_endpoints.create_or_update({"name": "risk"})             # doctest: +SKIP
    >>> job = ws.batch_endpoints.invoke("risk", input="./patients")       # doctest: +SKIP
    >>> ws.jobs.stream(job.name)                                          # doctest: +SKIP
    """

    def create_or_update(self, endpoint: Submittable, **changes: Any) -> EndpointView:
        """Create an endpoint; one of that name gets the new document, and keeps its deployments."""
        closed = self._scope.closer.close(endpoint, changes, default_kind="batch-endpoint")
        view: EndpointView = self._transport.call(
            BATCH.create, endpoints.PutEndpoint(**self._scope.about(spec=closed.spec))
        )
        return view

    def begin_create_or_update(self, endpoint: Submittable, **changes: Any) -> Done[EndpointView]:
        """Like `create_or_update`."""
        return Done(self.create_or_update(endpoint, **changes))

    def get(self, name: str) -> EndpointView:
        """Raises `NotFound`."""
        view: EndpointView = self._transport.call(BATCH.show, self._ref(name))
        return view

    def list(self) -> Iterator[EndpointView]:
        """All of the workspace, by name."""
        return iter(self._transport.call(BATCH.list, WorkspaceRequest(**self._scope.about())).items)

    def update(self, name: str, changes: Mapping[str, Any]) -> EndpointView:
        """Merge `changes` into the document, such as `{"defaults": {"deployment_name": "blue"}}`; None takes away."""
        request = endpoints.UpdateEndpoint(**self._scope.about(name=name, changes=dict(changes)))
        view: EndpointView = self._transport.call(BATCH.update, request)
        return view

    def delete(self, name: str) -> None:
        """Delete an endpoint and its deployments. The jobs that it started stay."""
        self._transport.call(BATCH.delete, self._ref(name))

    def begin_delete(self, name: str) -> Done[None]:
        """Like `delete`."""
        self.delete(name)
        return Done(None)

    def invoke(
        self,
        endpoint_name: str,
        *,
        deployment_name: str | None = None,
        input: Any = None,
        inputs: Mapping[str, Any] | None = None,
        outputs: Mapping[str, Any] | None = None,
        output_path: str | None = None,
        job_name: str | None = None,
        experiment_name: str | None = None,
        **settings: Any,
    ) -> JobView:
        """Start a job over `input`: a local path (it is sent), an address, or a mapping with `type` and `path`.

        `inputs` and `outputs` are those of a pipeline by name. `settings` of a model deployment hold for this job:
        `mini_batch_size=20`, `instance_count=2`, `output_file_name="today.csv"`. Raises `NotFound`, `InvalidRequest`.
        """
        request = wire.InvokeEndpoint(
            **self._scope.about(
                name=endpoint_name,
                deployment_name=deployment_name,
                input=None if input is None else self._data(input),
                inputs={name: self._value(value) for name, value in (inputs or {}).items()},
                outputs=dict(outputs or {}),
                output_path=output_path,
                settings={key: value for key, value in settings.items() if value is not None},
                job_name=job_name,
                experiment_name=experiment_name,
            )
        )
        return self._transport.call(wire.INVOKE, request)

    def list_jobs(
        self, endpoint_name: str, deployment_name: str | None = None, *, max_results: int | None = None
    ) -> Iterator[JobView]:
        """The jobs that were started through it, newest first."""
        fields = self._scope.about(name=endpoint_name, deployment_name=deployment_name)

        def ask(cursor: str | None, size: int) -> JobList:
            return self._transport.call(wire.LIST_JOBS, wire.ListInvocations(**fields, max_results=size, cursor=cursor))

        return pages(ask, max_results)

    def _data(self, value: Any) -> dict[str, Any]:
        """A path of this machine becomes one of the server; a file says that it is one."""
        given = dict(value) if isinstance(value, Mapping) else _fields(value)
        path = str(given.get("path", ""))
        if "://" in path or path.startswith("azureml:"):
            return given
        local = Path(path).expanduser().absolute()
        if not given.get("type"):
            given["type"] = "uri_file" if local.is_file() else "uri_folder"
        return {**given, "path": self._scope.closer.uploader().address(local, ignore_files=False)}

    def _value(self, value: Any) -> Any:
        """A mapping with a path is data; so is a text that names something of this machine."""
        if isinstance(value, Mapping):
            return self._data(value) if value.get("path") else dict(value)
        if hasattr(value, "path"):
            return self._data(value)
        if isinstance(value, Path) or (isinstance(value, str) and os.sep in value and os.path.exists(value)):
            return self._data({"path": str(value)})
        return value

    def _ref(self, name: str) -> endpoints.EndpointRef:
        return endpoints.EndpointRef(**self._scope.about(name=name))


def _fields(value: Any) -> dict[str, Any]:
    """Of a path, or of an `Input`."""
    if isinstance(value, str | os.PathLike):
        return {"path": os.fspath(value)}
    return {key: getattr(value, key) for key in ("type", "path", "mode") if getattr(value, key, None) is not None}
