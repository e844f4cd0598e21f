"""The online endpoints of a workspace."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from zaffre.base import errors
from zaffre.sdk.collection import Collection, Done
from zaffre.wire import endpoints as wire
from zaffre.wire import online
from zaffre.wire.endpoints import ONLINE, ChangeView, EndpointView
from zaffre.wire.online import Credentials
from zaffre.wire.operation import WorkspaceRequest

if TYPE_CHECKING:
    from zaffre.sdk.documents import Submittable

TIMEOUT_S = 300.0


class OnlineEndpoints(Collection):
    """`ws.online_endpoints`.

    >>> ws.online_endpoints.create_or_update({"name": "risk", "auth_mode": "key"})      # doctest: +SKIP
    >>> ws.online_endpoints.invoke("risk", {"data": [[1.0, 2.0]]})                       # doctest: +SKIP
    """

    def create_or_update(self, endpoint: Submittable, **changes: Any) -> EndpointView:
        """Create it, or change the one of the same name, which keeps its keys."""
        closed = self._scope.closer.close(endpoint, changes, default_kind="online-endpoint")
        view: EndpointView = self._transport.call(
            ONLINE.create, wire.PutEndpoint(**self._scope.about(spec=closed.spec))
        )
        return view

    def begin_create_or_update(self, endpoint: Submittable, **changes: Any) -> Done[EndpointView]:
        """Like `create_or_update`."""
        return Done(self.create_or_update(endpoint, **changes))

    def get(self, name: str) -> EndpointView:
        """Raises `NotFound`."""
        view: EndpointView = self._transport.call(ONLINE.show, self._ref(name))
        return view

    def list(self) -> Iterator[EndpointView]:
        """All of them, by name."""
        return iter(self._transport.call(ONLINE.list, WorkspaceRequest(**self._scope.about())).items)

    def update(self, name: str, changes: Mapping[str, Any]) -> EndpointView:
        """Change some fields. `traffic` and `mirror_traffic` are replaced as a whole; None takes a field away."""
        request = wire.UpdateEndpoint(**self._scope.about(name=name, changes=dict(changes)))
        view: EndpointView = self._transport.call(ONLINE.update, request)
        return view

    def delete(self, name: str) -> None:
        """With its deployments. Raises `NotFound`."""
        self._transport.call(ONLINE.delete, self._ref(name))

    def begin_delete(self, name: str) -> Done[None]:
        """Like `delete`."""
        self.delete(name)
        return Done(None)

    def stop(self, name: str) -> EndpointView:
        """Its workers end; requests are answered with 503 until it is started."""
        return self._transport.call(online.STOP, self._ref(name))

    def start(self, name: str) -> EndpointView:
        """Start its workers again."""
        return self._transport.call(online.START, self._ref(name))

    def rollback(self, name: str) -> EndpointView:
        """Take back the last change of traffic, or of what a deployment runs. Raises `Conflict` when there is none."""
        return self._transport.call(online.ROLLBACK, self._ref(name))

    def history(self, name: str) -> Iterator[ChangeView]:
        """What was changed, newest first; rollbacks with what was seen."""
        return iter(self._transport.call(online.HISTORY, self._ref(name)).items)

    def get_keys(self, name: str) -> Credentials:
        """Both keys; a token for an hour where the endpoint is opened by tokens."""
        return self._transport.call(online.CREDENTIALS, self._ref(name))

    def regenerate_keys(self, name: str, key_type: str = "primary") -> Credentials:
        """Replace the `primary` or `secondary` key; the other stays valid."""
        request = online.RegenerateKeys(**self._scope.about(name=name, key_type=key_type))
        return self._transport.call(online.REGENERATE, request)

    def invoke(
        self,
        name: str | None = None,
        body: Any = None,
        *,
        endpoint_name: str | None = None,
        request_file: str | Path | None = None,
        deployment_name: str | None = None,
    ) -> str:
        """Score once, as a caller of the endpoint would; the answer as text.

        `body` is sent as JSON (bytes and text as they are), or the content of `request_file`. Raises `InvalidRequest`
        and other kinds by the status of the answer.
        """
        wanted = name or endpoint_name
        if wanted is None:
            raise errors.InvalidRequest("say which endpoint: invoke(name, ...)")
        content = _content(body, request_file)
        view, keys = self.get(wanted), self.get_keys(wanted)
        headers = {"Authorization": f"Bearer {keys.primaryKey or keys.accessToken}", "Content-Type": "application/json"}
        if deployment_name:
            headers["azureml-model-deployment"] = deployment_name
        return _post(str(view.scoring_uri), content, headers)

    def _ref(self, name: str) -> wire.EndpointRef:
        return wire.EndpointRef(**self._scope.about(name=name))


def _content(body: Any, request_file: str | Path | None) -> bytes:
    if request_file is not None:
        try:
            return Path(request_file).read_bytes()
        except OSError as error:
            raise errors.InvalidRequest(
                f"{request_file} cannot be read: {error.strerror}", code="MissingFile"
            ) from None
    if isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def _post(url: str, content: bytes, headers: Mapping[str, str]) -> str:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(str(parts.hostname), parts.port, timeout=TIMEOUT_S)
    try:
        connection.request("POST", parts.path, content, dict(headers))
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
    except OSError as error:
        raise errors.Unavailable(
            f"the endpoint at {parts.netloc} does not answer: {error}",
            code="EndpointUnreachable",
            hint="`zaffre status` says whether its server runs",
        ) from error
    finally:
        connection.close()
    if answer.status >= 400:
        raise _failed(answer.status, text)
    return text


def _failed(status: int, text: str) -> errors.ZaffreError:
    try:
        told = json.loads(text)["error"]
        message, code = f"{told['message']} (request {told['request_id']})", told["code"]
    except (ValueError, KeyError, TypeError):
        message, code = text[:500] or f"HTTP {status}", None
    found = errors.from_body(status, {"message": message, "code": code})
    found.hint = "zaffre online-deployment get-logs --endpoint-name NAME --name DEPLOYMENT" if status >= 500 else None
    return found
