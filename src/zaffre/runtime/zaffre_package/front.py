"""HTTP/1.1 towards callers, on the standard library: a thread per connection, of which there is a bounded number.

Answers and errors have the form of the scoring addresses of an endpoint: `/score` (Azure ML), `/invocations` (MLflow),
`/v2/models/NAME/infer` (Open Inference v2), `/swagger.json` from the model's signature, `/` for probes.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import re
import secrets
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from zaffre_scoring import frames, metrics, openapi  # type: ignore[import-not-found]

from . import body
from .workers import Pool, Refused

CONNECTIONS = 512
IDLE_S = 75.0  # a connection on which nothing is asked
ANSWER_S = 60.0  # for a caller to take its answer
HELD_BYTES = 1 << 30  # of all bodies that are in memory at once
ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
HIDDEN = ("authorization", "cookie", "proxy-authorization")
NOT_TAKEN = ("content-length", "content-type", "connection", "transfer-encoding", "keep-alive", "server", "date")
READY, LIVE = ("", "/health", "/ping", "/v2/health/ready"), ("/version", "/v2/health/live")
OPEN = READY + LIVE  # for probes, which have no key
LOCAL = ("localhost", "127.0.0.1", "[::1]")


class Server(ThreadingHTTPServer):
    """`key` None: no key is asked for; then only callers that name this machine are answered."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], pool: Pool, package: dict[str, Any], key: str | None) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.pool, self.package = pool, package
        self.key = hashlib.sha256(key.encode()).digest() if key is not None else None
        self.body_bytes = int(package["limits"]["body_bytes"])
        self.lock = threading.Lock()
        self.handlers: set[Handler] = set()
        self.held, self.held_bytes = 0, HELD_BYTES
        self.busy = 0
        self.counters = metrics.Counters()
        self.draining = False
        super().__init__(address, Handler)

    def server_bind(self) -> None:
        super(ThreadingHTTPServer, self).server_bind()  # without the look for the host's name, which may take seconds

    def server_activate(self) -> None:
        super().server_activate()
        threading.Thread(target=self._watch, daemon=True).start()

    def verify_request(self, _request: Any, _client: Any) -> bool:
        return len(self.handlers) < CONNECTIONS

    def handle_error(self, _request: Any, _client: Any) -> None:
        """A caller that went away is no event."""

    def _watch(self) -> None:
        """End connections that came to a stop, whatever their threads wait for."""
        while True:
            time.sleep(1.0)
            now = time.monotonic()
            with self.lock:
                late = [handler for handler in self.handlers if handler.deadline and handler.deadline < now]
            for handler in late:
                with contextlib.suppress(OSError):
                    handler.connection.shutdown(socket.SHUT_RDWR)

    def metrics(self) -> bytes:
        """In Prometheus' form, under the names that endpoints have."""
        name = self.package["name"]
        labels = {"workspace": "package", "endpoint": name, "deployment": name}
        with self.lock:
            return metrics.page([(labels, self.counters, *self.pool.load())])  # type: ignore[no-any-return]

    def count(self, status: int, seconds: float, batch: int) -> None:
        with self.lock:
            self.counters.answered(status, seconds, batch)
            self.counters.rejected += status == 429
            self.counters.timeouts += status == 504

    def drain(self, seconds: float) -> None:
        """Take nothing new; return when what was begun is answered, or after so long."""
        self.draining = True
        self.shutdown()
        self.server_close()
        end = time.monotonic() + seconds
        while self.busy and time.monotonic() < end:
            time.sleep(0.02)


class Handler(BaseHTTPRequestHandler):
    """One connection; its requests are answered in their order."""

    server: Server
    protocol_version = default_request_version = "HTTP/1.1"
    server_version, sys_version = "zaffre", ""
    wbufsize = -1  # head and body in one piece
    disable_nagle_algorithm = True
    deadline = 0.0  # the connection is ended then; 0: never
    size = 0  # of the body that is held

    def setup(self) -> None:
        super().setup()
        with self.server.lock:
            self.server.handlers.add(self)

    def finish(self) -> None:
        with self.server.lock:
            self.server.handlers.discard(self)
        with contextlib.suppress(OSError):
            super().finish()

    def handle_one_request(self) -> None:
        self.deadline = time.monotonic() + IDLE_S
        self.id = ""
        try:
            super().handle_one_request()
        except OSError:  # the caller is gone, or was too slow
            self.close_connection = True
        finally:
            self._let_go()

    def handle_expect_100(self) -> bool:
        """The caller waits for this line before it sends the body."""
        super().handle_expect_100()
        self.wfile.flush()
        return True

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_HEAD = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_GET

    def _answer(self) -> None:
        began = time.monotonic()
        with self.server.lock:
            self.server.busy += 1
        self.status = 0
        try:
            try:
                self._route()
            except Refused as refused:
                self._say(refused)
            self.wfile.flush()
        finally:
            with self.server.lock:
                self.server.busy -= 1
            path = self.path.partition("?")[0][:200]
            told = {"method": self.command, "path": path, "status": self.status, "request_id": self._id()}
            print(json.dumps({**told, "ms": round(1000 * (time.monotonic() - began), 2)}), flush=True)

    # --- what is asked ---

    def _route(self) -> None:
        path = self.path.partition("?")[0].rstrip("/")
        if path not in OPEN:
            self._enter()
        content = body.read(self)
        if path in READY:
            if self.server.pool.ready and not self.server.draining:
                return self._json({"status": "Healthy"})
            raise Refused(503, "NotReady", "the model is not ready")
        if path in LIVE:
            return self._json({"live": True})
        if path in ("/swagger.json", "/openapi.json"):
            version = 3 if path == "/openapi.json" or "version=3" in self.path else 2
            host = self.headers.get("host", "")
            name = self.server.package["name"]
            return self._json(openapi.document(name, "/", host, self.server.pool.hello, version))
        if path == "/metrics":
            return self._send(200, self.server.metrics(), "text/plain; version=0.0.4")
        if path == "/v2":
            return self._json({"name": "zaffre", "version": "2", "extensions": ["binary_tensor_data"]})
        if path.startswith("/v2/models/"):
            return self._infer(path.split("/")[3:], content)
        if path in ("/score", "/invocations"):
            return self._score(path[1:], content)
        raise Refused(404, "NotFound", "there is no such address")

    def _score(self, action: str, body: bytes) -> None:
        hello = self.server.pool.hello
        script = hello.get("kind", "script") == "script"
        kind = self.headers.get("content-type")
        main = (kind or "application/json").partition(";")[0].strip().lower()
        is_json = main == "application/json" or main.endswith("+json")
        if hello.get("http") or (script and (self.command == "GET" or not is_json)):
            headers = [[key, value] for key, value in self.headers.items() if key.lower() not in HIDDEN]
            query = self.path.partition("?")[2]
            head = {"method": self.command, "path": "/" + action, "query": query, "headers": headers}
            return self._ask(frames.HTTP, frames.with_head(head, body))
        if self.command != "POST":
            raise Refused(405, "MethodNotAllowed", "scoring is done by POST")
        if not is_json:
            raise Refused(415, "UnsupportedMediaType", "the body must be application/json")
        return self._ask(frames.SCORE if action == "score" else frames.INVOCATIONS, body)

    def _infer(self, words: list[str], body: bytes) -> None:
        """NAME [versions V] [infer or ready]."""
        name = unquote(words[0])
        known = {item["name"]: item for item in self.server.pool.hello.get("models") or ()}
        if name not in known:
            raise Refused(404, "ModelNotFound", "the package has no such model")
        if words[-1] != "infer" or len(words) == 1:
            return self._json({} if words[-1] == "ready" else known[name])
        if self.command != "POST":
            raise Refused(405, "MethodNotAllowed", "inference is done by POST")
        size = self.headers.get("inference-header-content-length")
        if size is not None and not (re.fullmatch("[0-9]{1,12}", size) and int(size) <= len(body)):
            raise Refused(400, "BadInput", "Inference-Header-Content-Length is wrong")
        head = {"model": name, "binary": None if size is None else int(size)}
        return self._ask(frames.INFER, frames.with_head(head, body))

    def _ask(self, frame: int, payload: bytes) -> None:
        began = time.monotonic()
        try:
            kind, content, batch = self.server.pool.ask(frame, payload)
        except Refused as error:
            self.server.count(error.status, time.monotonic() - began, 0)
            raise
        seconds = time.monotonic() - began
        if kind == frames.JSON:
            self.server.count(200, seconds, batch)
            return self._send(200, content, "application/json")
        if kind == frames.ERROR:
            told = json.loads(content[2:])
            refused = Refused(frames.STATUS.unpack_from(content)[0], told["code"], told["message"])
            self.server.count(refused.status, seconds, batch)
            raise refused
        head, answer = frames.split_head(content)
        self.server.count(int(head["status"]), seconds, batch)
        type_ = next((v for k, v in head["headers"] if k.lower() == "content-type"), "application/json")
        more = [(k, v) for k, v in head["headers"] if k.lower() not in NOT_TAKEN]
        return self._send(int(head["status"]), answer, type_, more)

    def _enter(self) -> None:
        """Raises `Refused` for who has no key; without a key, for pages that a browser brought from elsewhere."""
        if self.server.key is None:
            host = re.sub(r":\d+$", "", self.headers.get("host", "")).lower()
            origin = re.sub(r"^https?://|:\d+$", "", self.headers.get("origin", "")).lower()
            if host not in LOCAL or (origin and origin not in LOCAL):
                body.discard(self)
                raise Refused(403, "Forbidden", "without a key only programs of this machine are answered")
            return
        scheme, _, given = self.headers.get("authorization", "").partition(" ")
        digest = hashlib.sha256(given.strip().encode("utf-8", "surrogateescape")).digest()
        if scheme.lower() != "bearer" or not hmac.compare_digest(digest, self.server.key):
            body.discard(self)
            raise Refused(401, "Unauthorized", "no valid key came with the request")

    def _let_go(self) -> None:
        with self.server.lock:
            self.server.held -= self.size
        self.size = 0

    # --- what is answered ---

    def _json(self, value: Any) -> None:
        self._send(200, json.dumps(value).encode(), "application/json")

    def _say(self, refused: Refused) -> None:
        told = {"code": refused.code, "message": refused.message, "request_id": self._id()}
        more = {401: [("www-authenticate", "Bearer")], 405: [("allow", "POST")], 429: [("retry-after", "1")],
                503: [("retry-after", "1")]}  # fmt: skip
        body = json.dumps({"error": told}).encode()
        self._send(refused.status, body, "application/json", more.get(refused.status, []))

    def _send(self, status: int, body: bytes, kind: str, more: list[Any] | None = None) -> None:
        self.deadline = time.monotonic() + ANSWER_S
        self.status = status
        self.send_response(status)
        headers = [("content-type", kind), ("content-length", str(len(body))), ("x-request-id", self._id()),
                   ("x-content-type-options", "nosniff"), ("cache-control", "no-store"), *(more or [])]  # fmt: skip
        if self.server.draining or self.close_connection:
            headers.append(("connection", "close"))
        for name, value in headers:
            self.send_header(_line(name), _line(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_error(self, code: int, *_words: Any, **_more: Any) -> None:
        """What the parser of the standard library finds wrong, in our shape."""
        self.close_connection = True
        if not hasattr(self, "headers"):
            self.command = self.command or "GET"
        self._say(Refused(code, "BadRequest", "the request is not HTTP/1.1 within the limits"))

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        """Each request has its line already."""

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing that a caller wrote goes to the log unseen."""

    def _id(self) -> str:
        if not self.id:
            given = self.headers.get("x-request-id", "") if getattr(self, "headers", None) else ""
            self.id = given if ID.fullmatch(given) else secrets.token_hex(8)
        return self.id


def _line(text: str) -> str:
    """A header value cannot begin another one."""
    return text.replace("\r", " ").replace("\n", " ").encode("latin-1", "replace").decode("latin-1")
