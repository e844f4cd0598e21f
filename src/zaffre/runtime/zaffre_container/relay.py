"""Requests as the gateway sends them, passed to the server in a container over HTTP."""

from __future__ import annotations

import http.client
import socket
import threading
from typing import Any
from urllib.parse import unquote

from zaffre_scoring import frames, places  # type: ignore[import-not-found]
from zaffre_scoring.values import Answer, BadInput  # type: ignore[import-not-found]

from .connect import CONNECT_S, Connector

ANSWER_BYTES = 1 << 28
OF_ONE_CONNECTION = {
    "host", "connection", "content-length", "transfer-encoding", "keep-alive", "te", "trailer", "upgrade", "expect",
    "proxy-connection", "http2-settings", "content-encoding",  # the gateway has unpacked the body
}  # fmt: skip
NOT_PASSED_BACK = {"connection", "keep-alive", "transfer-encoding", "content-length", "trailer", "upgrade", "server",
                   "date", "set-cookie"}  # fmt: skip


class _Connection(http.client.HTTPConnection):
    """Whose socket is made in the network of the container."""

    def __init__(self, connector: Connector, port: int, seconds: float | None) -> None:
        super().__init__("127.0.0.1", port)
        self.connector, self.seconds = connector, seconds
        self.used = False

    def connect(self) -> None:
        self.sock: socket.socket = self.connector.open(self.port, CONNECT_S if self.seconds is None else self.seconds)
        self.sock.settimeout(self.seconds)

    @property
    def idle(self) -> bool:
        """Whether the other side has neither closed it nor said what nobody asked for."""
        try:
            self.sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:
            pass
        return False


class Relay:
    """What `zaffre_scoring.worker.Server` takes for a model."""

    batches = collects = False

    def __init__(self, connector: Connector, routes: dict[str, Any]) -> None:
        self.connector = connector
        self.path, self.port = routes["scoring"]["path"], routes["scoring"]["port"]
        self.description = {"kind": "container", "http": True, "below": self.path, "models": []}
        self.mine = threading.local()

    def score(self, kind: int, payload: bytes) -> Answer:
        """Raises `BadInput` for what no address of the container is."""
        if kind == frames.INFER:
            raise BadInput("the container takes requests at its own addresses")
        if kind == frames.HTTP:
            head, body = frames.split_head(payload)
        else:  # a copy of what was meant for another deployment
            head, body = {"method": "POST", "path": "/score", "query": "", "headers": JSON}, payload
        path = self._place(head["path"])
        target = path + (f"?{head['query']}" if head["query"] else "")
        headers = [(name, value) for name, value in head["headers"] if name.lower() not in OF_ONE_CONNECTION]
        try:
            return self._ask(head["method"], target, headers, body)
        except (http.client.InvalidURL, ValueError, UnicodeError):
            raise BadInput("the address or a header of the request cannot be passed on") from None
        except (OSError, http.client.HTTPException) as error:
            print(f"the container did not answer a request: {type(error).__name__}: {error}", flush=True)
            return Answer(502, JSON, NO_ANSWER)

    def _place(self, path: str) -> str:
        """`/score` is the scoring route; what lies below that route is passed on as it is."""
        if path == "/score":
            return str(self.path)
        if not places.is_below(path, self.path) or ".." in unquote(path).replace("\\", "/").split("/"):
            raise BadInput("the container has no such address")
        return path

    def _ask(self, method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> Answer:
        connection = getattr(self.mine, "connection", None) or _Connection(self.connector, self.port, None)
        self.mine.connection = None  # kept again only after a whole answer
        if connection.used and not connection.idle:
            connection.close()  # the container did, while nothing was asked
            connection = _Connection(self.connector, self.port, None)
        try:
            try:
                _send(connection, method, target, headers, body)
            except ConnectionError:  # it had no whole request; once it has, what it does with it cannot be known
                if not connection.used:
                    raise
                connection.close()
                connection = _Connection(self.connector, self.port, None)
                _send(connection, method, target, headers, body)
            answer = connection.getresponse()
            content = answer.read(ANSWER_BYTES + 1)
            if len(content) > ANSWER_BYTES:
                raise OSError(f"an answer of more than {ANSWER_BYTES >> 20} MB")
            if answer.length and method != "HEAD":  # what reading in pieces does not tell
                raise http.client.IncompleteRead(b"", answer.length)
        except BaseException:
            connection.close()
            raise
        if answer.will_close:
            connection.close()
        else:
            connection.used = True
            self.mine.connection = connection
        kept = [[name, value] for name, value in answer.getheaders() if name.lower() not in NOT_PASSED_BACK]
        return Answer(answer.status, kept, content)


JSON = [["content-type", "application/json"]]
NO_ANSWER = b'{"error": {"code": "ContainerFailed", "message": "the container gave no answer to this request"}}'


def _send(connection: _Connection, method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> None:
    connection.putrequest(method, target, skip_accept_encoding=True)
    for name, value in headers:
        connection.putheader(name, value)
    if body or method not in ("GET", "HEAD", "DELETE", "OPTIONS"):
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body or None)


def healthy(connector: Connector, route: dict[str, Any], seconds: float) -> str | None:
    """None, or why not."""
    connection = _Connection(connector, route["port"], seconds)
    try:
        connection.request("GET", route["path"])
        answer = connection.getresponse()
        answer.read(1 << 16)
        return None if 200 <= answer.status < 400 else f"status {answer.status}"
    except (OSError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        connection.close()
