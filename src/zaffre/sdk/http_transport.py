"""The operations over HTTP, on the standard library: importing httpx would cost more than most commands take."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar
from urllib.parse import quote, urlencode, urlsplit

from pydantic import BaseModel

from zaffre.base import errors
from zaffre.wire.operation import Body, Operation, Request

Q = TypeVar("Q", bound=Request)
R = TypeVar("R", bound=BaseModel)

PAUSES_S = (0.05, 0.2, 0.8)  # before the second, third and fourth try
CALL_TIMEOUT_S = 600.0  # the server works while we wait: a submission of 100,000 steps takes a while
STREAM_TIMEOUT_S = 60.0  # silence after which a stream is taken up again
BROKEN = (http.client.HTTPException, ConnectionError, TimeoutError, socket.gaierror, ssl.SSLError)


class HttpTransport:
    """Keeps one connection per thread; streams have their own.

    A call that may be repeated is repeated when the connection breaks: reads, deletions, and every POST, because it
    carries an `Idempotency-Key` by which the server knows it again.
    """

    def __init__(self, url: str, token: str | None = None, *, timeout_s: float = CALL_TIMEOUT_S) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise errors.InvalidRequest(
                f"`{url}` is not the address of a server", hint="it looks like http://127.0.0.1:8787"
            )
        self.url = url.rstrip("/")
        self._secure, self._host, self._port = parts.scheme == "https", parts.hostname, parts.port
        self._prefix = parts.path.rstrip("/") + "/api"
        self._token, self._timeout_s = token, timeout_s
        self._local = threading.local()

    def call(self, operation: Operation[Q, R], request: Q) -> R:
        target, body = self._target(operation, request)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        return operation.response.model_validate_json(self._repeat(operation.method, target, body, headers) or b"{}")

    def stream_up(self, operation: Operation[Q, R], request: Q, chunks: Iterable[bytes]) -> R:
        target, _ = self._target(operation, request)
        headers = {"Content-Type": "application/octet-stream", "Transfer-Encoding": "chunked"}
        with self._own_connection(self._timeout_s) as connection:
            headers = self._headers(operation.method, headers)
            with suppress(BrokenPipeError, ConnectionResetError):  # it may have refused and said why: read the answer
                connection.request(operation.method, target, iter(chunks), headers, encode_chunked=True)
            answer = connection.getresponse()
            return operation.response.model_validate_json(_read(answer) or b"{}")

    def stream_down(self, operation: Operation[Q, R], request: Q) -> Iterator[bytes]:
        target, body = self._target(operation, request)
        silence_s = STREAM_TIMEOUT_S if body is None else self._timeout_s  # it is made first, which takes a while
        with self._own_connection(silence_s) as connection:
            connection.request(operation.method, target, body, self._headers(operation.method, {}))
            answer = connection.getresponse()
            if answer.status >= 400:
                _read(answer)
            while chunk := answer.read1(1 << 20):
                yield chunk
            if answer.length:  # read1 does not tell a cut from an end
                raise http.client.IncompleteRead(b"", answer.length)

    def events(self, operation: Operation[Q, R], request: Q) -> Iterator[R]:
        after, tries = getattr(request, "after", 0), 0
        while True:
            rest = b""
            try:
                for chunk in self.stream_down(operation, request.model_copy(update={"after": after})):
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines:
                        if line.strip():  # empty lines only keep the connection alive
                            event = operation.response.model_validate_json(line)
                            after, tries = getattr(event, "id", after), 0
                            yield event
                return
            except errors.Unavailable:
                if tries == len(PAUSES_S):
                    raise
                time.sleep(PAUSES_S[tries])
                tries += 1

    def close(self) -> None:
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None

    def _target(self, operation: Operation[Q, R], request: Q) -> tuple[str, bytes | None]:
        """Fields of the path travel in the path, the others in the query or as JSON."""
        named = set(operation.path_fields)
        path = operation.path
        for name in named:
            value = str(getattr(request, name))
            if "/" in value or value in ("", ".", ".."):  # no such name exists, and the path would lead elsewhere
                raise errors.InvalidRequest(f"`{value}` is not a name", code="InvalidName")
            path = path.replace("{" + name + "}", quote(value, safe=""))
        if operation.body is not Body.STREAM_UP and operation.method not in ("GET", "DELETE"):
            text = request.model_dump_json(exclude=named, exclude_unset=True)
            return self._prefix + path, text.encode()
        fields = request.model_dump(mode="json", exclude=named, exclude_none=True, exclude_defaults=True)
        query = {key: json.dumps(value) if isinstance(value, bool) else value for key, value in fields.items()}
        return self._prefix + path + ("?" + urlencode(query) if query else ""), None

    def _repeat(self, method: str, target: str, body: bytes | None, headers: dict[str, str]) -> bytes:
        headers = self._headers(method, headers)
        for pause in (*PAUSES_S, None):
            try:
                connection = self._connection()
                connection.request(method, target, body, headers)
                return _read(connection.getresponse())
            except ConnectionRefusedError:
                self.close()
                raise self._unreachable() from None  # nobody listens: trying again would not help
            except BROKEN as error:
                self.close()
                if pause is None:
                    raise self._unreachable(error) from error
            except errors.Unavailable:
                if pause is None:
                    raise
            time.sleep(pause)
        raise AssertionError("unreachable")

    def _headers(self, method: str, headers: dict[str, str]) -> dict[str, str]:
        own = {"Accept": "application/json", "User-Agent": "zaffre", **headers}
        if self._token:
            own["Authorization"] = f"Bearer {self._token}"
        if method == "POST":
            own["Idempotency-Key"] = uuid.uuid4().hex
        return own

    def _connection(self) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect(self._timeout_s)
        return connection

    def _connect(self, timeout_s: float) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        return kind(self._host, self._port, timeout=timeout_s)

    @contextmanager
    def _own_connection(self, timeout_s: float) -> Iterator[http.client.HTTPConnection]:
        connection = self._connect(timeout_s)
        try:
            yield connection
        except BROKEN as error:
            raise self._unreachable(error) from error
        finally:
            connection.close()

    def _unreachable(self, error: BaseException | None = None) -> errors.Unavailable:
        detail = f": {error}" if error is not None and str(error) else ""
        return errors.Unavailable(
            f"the server at {self.url} does not answer{detail}",
            code="ServerUnreachable",
            hint="`zaffre status` says more",
        )


def _read(answer: http.client.HTTPResponse) -> bytes:
    """The body, or the error it describes."""
    content = answer.read()
    if answer.status < 400:
        return content
    try:
        body = json.loads(content)
    except ValueError:
        body = {}
    if not isinstance(body, dict) or "message" not in body:
        text = content[:500].decode(errors="replace").strip()
        body = {"message": f"the server answered {answer.status} {answer.reason}{': ' + text if text else ''}"}
    raise errors.from_body(answer.status, body)
