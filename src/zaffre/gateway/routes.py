"""What is asked of which endpoint, may the caller, and who answers."""

from __future__ import annotations

import json
import re
import struct
import time
from typing import Any
from urllib.parse import unquote

from zaffre.core.endpoint_token import is_token
from zaffre.gateway import answers, auth
from zaffre.gateway.accesslog import AccessLog
from zaffre.gateway.deployment import Deployment
from zaffre.gateway.front import Front, Request
from zaffre.gateway.pending import FULL, GONE, LATE, STOPPED, Pending
from zaffre.gateway.pool import Pool
from zaffre.gateway.table import Endpoint, Table
from zaffre.runtime.zaffre_scoring import frames, metrics, openapi, places

SCORED = ("score", "invocations")
OURS = ("", "swagger.json", "openapi.json", "metrics", "health")  # never a container's, wherever its route begins
JSON_TYPES = (b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8")
HIDDEN = {b"authorization", b"cookie", b"proxy-authorization"}  # headers that no scoring script gets to see
RETRY = ((b"retry-after", b"1"),)
BEARER = b"Bearer "
KEPT_URLS, KEPT_URL = 10_000, 256  # addresses whose meaning is kept at most, and how long one may be
TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
FAILURES = {
    GONE: (502, "WorkerDied", "the worker ended while it scored this request"),
    LATE: (504, "Timeout", "the deployment did not answer in time"),
    FULL: (429, "TooManyRequests", "the deployment is busy"),
    STOPPED: (503, "NotRunning", "the deployment does not run"),
}


class Asked:
    """A request on its way, until it is answered."""

    __slots__ = ("began", "deployment", "endpoint", "front", "request")

    def __init__(self, front: Front, request: Request, endpoint: Endpoint, deployment: Deployment, began: float):
        self.front, self.request, self.endpoint = front, request, endpoint
        self.deployment, self.began = deployment, began


class Routes:
    def __init__(self, pool: Pool, log: AccessLog) -> None:
        self.pool, self.log = pool, log
        self.table = Table()
        self.fronts: set[Front] = set()
        self.retiring = False
        self._places: dict[bytes, tuple[Endpoint, str]] = {}

    def use(self, table: Table) -> None:
        self.table = table
        self._places.clear()

    # --- the way in ---

    def handle(self, front: Front, request: Request) -> None:
        known = self._places.get(request.url)
        place = known or self._find(request.url)
        if place is None:
            return self._elsewhere(front, request)
        endpoint, action = place
        if not self._may(endpoint, request.headers):
            return self._say(front, request, 401, "Unauthorized", "no valid key came with the request",
                             ((b"www-authenticate", b"Bearer"),))  # fmt: skip
        if known is None and len(request.url) <= KEPT_URL and len(self._places) < KEPT_URLS:
            self._places[request.url] = place
        if endpoint.stopped and action not in ("swagger",):
            return self._say(front, request, 503, "Stopped", "the endpoint is stopped")
        if action in SCORED or action.startswith("v2/models/") or self._passes(endpoint, request, action):
            return self._score(front, request, endpoint, action)
        return self._tell(front, request, endpoint, action)

    def _find(self, url: bytes) -> tuple[Endpoint, str] | None:
        path = url.partition(b"?")[0].split(b"/", 4)
        if len(path) < 4 or path[0] or path[1] != b"endpoints":
            return None
        names = [unquote(part.decode("latin-1")) for part in path[2:4]]
        endpoint = self.table.endpoints.get("/".join(names))
        action = path[4].decode("latin-1").rstrip("/") if len(path) == 5 else ""
        return (endpoint, action) if endpoint else None

    def admits(self, url: bytes, headers: dict[bytes, bytes]) -> bool:
        """Whether a key for that address came with the head of a request, whose body is still to come."""
        place = self._places.get(url) or self._find(url)
        return place is not None and self._may(place[0], headers)

    @staticmethod
    def _may(endpoint: Endpoint, headers: dict[bytes, bytes]) -> bool:
        given = headers.get(b"authorization", b"")
        if given[:7] not in (BEARER, b"bearer "):
            return False
        if endpoint.token_secret is not None:
            return is_token(given[7:], endpoint.token_secret, endpoint.id)
        return auth.is_key(given[7:], endpoint.keys)

    def _elsewhere(self, front: Front, request: Request) -> None:
        path = request.url.partition(b"?")[0]
        if path == b"/":
            return self._json(front, request, {"status": "ok"})
        given = request.headers.get(b"authorization", b"")
        if path == b"/metrics" and auth.is_key(given[7:], self.table.admin):
            return self._metrics(front, request, "")
        # Whoever has no key does not learn which endpoints there are.
        return self._say(front, request, 401, "Unauthorized", "no valid key came with the request",
                         ((b"www-authenticate", b"Bearer"),))  # fmt: skip

    # --- scoring ---

    def _score(self, front: Front, request: Request, endpoint: Endpoint, action: str) -> None:
        began = time.monotonic()
        wanted = request.headers.get(b"azureml-model-deployment")
        if wanted is not None:
            deployment = endpoint.deployments.get(wanted.decode("latin-1"))
            if deployment is None:
                return self._say(front, request, 404, "DeploymentNotFound", "the endpoint has no such deployment")
        else:
            deployment = endpoint.next()
            if deployment is None:
                return self._say(front, request, 503, "NoTraffic", "no deployment of the endpoint gets traffic")
        if action not in SCORED and "below" not in deployment.hello:
            return self._infer(front, request, endpoint, deployment, action, began)
        method, kind = request.method, request.headers.get(b"content-type")
        if deployment.http:
            payload, frame = self._whole(request, action), frames.HTTP
        elif method == b"POST":
            if kind is not None and kind not in JSON_TYPES and not _is_json(kind):
                if not self._takes_anything(deployment):
                    return self._say(front, request, 415, "UnsupportedMediaType", "the body must be application/json")
                payload, frame = self._whole(request, action), frames.HTTP
            else:
                payload, frame = request.body, frames.SCORE if action == "score" else frames.INVOCATIONS
        elif method == b"GET" and self._takes_anything(deployment):
            payload, frame = self._whole(request, action), frames.HTTP
        else:
            return self._say(front, request, 405, "MethodNotAllowed", "scoring is done by POST", ((b"allow", b"POST"),))
        return self._ask(Asked(front, request, endpoint, deployment, began), frame, payload)

    def _passes(self, endpoint: Endpoint, request: Request, action: str) -> bool:
        """Whether a container of its own answers there: at its scoring route, or below it."""
        if action in OURS or (deployment := self._described(endpoint, request)) is None:
            return False
        below = deployment.hello.get("below")
        return below is not None and places.is_below(f"/{action}", below)

    @staticmethod
    def _takes_anything(deployment: Deployment) -> bool:
        return str(deployment.hello.get("kind", "script")) == "script"

    def _ask(self, asked: Asked, frame: int, payload: bytes) -> None:
        if asked.endpoint.mirrors:
            self._mirror(asked.endpoint, frame, payload)
        asked.deployment.ask(Pending(frame, payload, self._done, asked.began, asked))

    def _mirror(self, endpoint: Endpoint, frame: int, payload: bytes) -> None:
        endpoint.mirror_turn = (endpoint.mirror_turn + 1) % 100
        for deployment, percent in endpoint.mirrors:
            # multiples of a number prime to 100 spread the copies over the requests
            if endpoint.mirror_turn * 37 % 100 < percent and (worker := deployment.spare()) is not None:
                deployment.counters.mirrored += 1
                worker.send(Pending(frame, payload, _copied, time.monotonic(), deployment))

    def _infer(
        self, front: Front, request: Request, endpoint: Endpoint, deployment: Deployment, action: str, began: float
    ) -> None:
        words = action.split("/")  # v2 models NAME [versions V] infer
        model = unquote(words[2]) if len(words) > 2 else ""
        known = {item["name"]: item for item in deployment.hello.get("models") or ()}
        only = next(iter(known.values())) if len(known) == 1 else None
        found = known.get(model) or (only if model in (endpoint.id.partition("/")[2], deployment.name) else None)
        if deployment.hello and found is None:
            return self._say(front, request, 404, "ModelNotFound", "the deployment has no such model")
        if words[-1] != "infer":
            if not deployment.hello:
                return self._say(front, request, 503, "NotRunning", "the deployment does not run")
            return self._json(front, request, {} if words[-1] == "ready" else found)
        if request.method != b"POST":
            return self._say(front, request, 405, "MethodNotAllowed", "inference is done by POST")
        size = request.headers.get(b"inference-header-content-length")
        if size is not None and not (size.isdigit() and int(size) <= len(request.body)):
            return self._say(front, request, 400, "BadInput", "Inference-Header-Content-Length is wrong")
        head = {"model": model, "binary": None if size is None else int(size)}
        payload = frames.with_head(head, request.body)
        return self._ask(Asked(front, request, endpoint, deployment, began), frames.INFER, payload)

    @staticmethod
    def _whole(request: Request, action: str) -> bytes:
        query = request.url.decode("latin-1").partition("?")[2]
        headers = [
            [name.decode("latin-1"), value.decode("latin-1")]
            for name, value in request.headers.items()
            if name not in HIDDEN
        ]
        head = {"method": request.method.decode(), "path": f"/{action}", "query": query, "headers": headers}
        return frames.with_head(head, request.body)

    def _done(self, pending: Pending, kind: int, payload: bytes, batch: int) -> None:
        """The answer of a worker, or the reason why there is none."""
        pending.over = True
        asked: Asked = pending.context
        request, deployment = asked.request, asked.deployment
        seconds = time.monotonic() - asked.began
        if kind == frames.JSON:
            status, size = 200, len(payload)
            deployment.counters.answered(200, seconds, batch)
            close = request.close or self.retiring
            if close or request.method == b"HEAD":
                headers = ((b"azureml-model-deployment", deployment.header),)
                content = answers.whole(
                    200, payload, request.id, headers=headers, close=close, without_body=request.method == b"HEAD"
                )
                asked.front.answer(content, close)
            else:
                asked.front.answer(answers.ok(payload, request.id, deployment.header), False)
        else:
            close = request.close or self.retiring
            try:
                status, content, size = self._other(request, deployment, kind, payload, close)
            except (LookupError, ValueError, TypeError, AttributeError, RecursionError, struct.error):
                # no frame that our worker writes: code of the model reached its socket
                status, content, size = self._other(request, deployment, GONE, b"", close)
            deployment.counters.answered(status, seconds, batch)
            asked.front.answer(content, close)
        self.log.add(request, asked.endpoint.id, deployment.name, status, seconds, len(request.body), size)

    @staticmethod
    def _other(
        request: Request, deployment: Deployment, kind: int, payload: bytes, close: bool
    ) -> tuple[int, bytes, int]:
        without = request.method == b"HEAD"
        named: tuple[tuple[bytes, bytes], ...] = ((b"azureml-model-deployment", deployment.header),)
        if kind == frames.FULL:
            head, body = frames.split_head(payload)
            status = int(head["status"])
            if not 200 <= status <= 599:
                status, body, head["headers"] = 500, b"", []
            type_ = next((v for k, v in head["headers"] if k.lower() == "content-type"), "application/json")
            more = tuple(
                (k.encode(), _line(v))
                for k, v in head["headers"]
                if k.lower() not in NOT_TAKEN and len(v) < 8192 and TOKEN.fullmatch(k)
            )
            content = answers.whole(
                status, body, request.id, kind=_line(type_), headers=(*named, *more), close=close, without_body=without
            )
            return status, content, len(body)
        if kind == frames.ERROR:
            status = frames.STATUS.unpack_from(payload)[0]
            told = json.loads(payload[2:])
            code, message = told["code"], told["message"]
        else:
            status, code, message = FAILURES[kind]
        body = answers.error(code, message, request.id)
        named += RETRY if status in (429, 503) else ()
        content = answers.whole(status, body, request.id, headers=named, close=close, without_body=without)
        return status, content, len(body)

    # --- questions about the endpoint ---

    def _tell(self, front: Front, request: Request, endpoint: Endpoint, action: str) -> None:
        deployment = self._described(endpoint, request)
        hello = deployment.hello if deployment else {}
        ready = any(turn.ready for turn in endpoint.turns)
        if action in ("swagger.json", "openapi.json"):
            version = 3 if action == "openapi.json" or b"version=3" in request.url else 2
            path = f"/endpoints/{endpoint.id}"
            host = request.headers.get(b"host", b"").decode("latin-1")
            return self._json(front, request, openapi.document(endpoint.id, path, host, hello, version))
        if action == "metrics":
            return self._metrics(front, request, endpoint.id + "/")
        if action in ("", "v2/health/ready", "ping", "health"):
            if ready:
                return self._json(front, request, {"status": "Healthy"})
            return self._say(front, request, 503, "NotReady", "no deployment with traffic is ready")
        if action in ("version", "v2/health/live"):
            return self._json(front, request, {"live": True})
        if action == "v2":
            return self._json(front, request, {"name": "zaffre", "version": "2", "extensions": ["binary_tensor_data"]})
        return self._say(front, request, 404, "NotFound", "there is no such address")

    @staticmethod
    def _described(endpoint: Endpoint, request: Request) -> Deployment | None:
        wanted = request.headers.get(b"azureml-model-deployment")
        if wanted is not None:
            return endpoint.deployments.get(wanted.decode("latin-1"))
        return endpoint.turns[0] if endpoint.turns else next(iter(endpoint.deployments.values()), None)

    def _metrics(self, front: Front, request: Request, prefix: str) -> None:
        rows = []
        for key, deployment in self.table.deployments.items():
            if key.startswith(prefix):
                workspace, endpoint, name = key.split("/")
                labels = {"workspace": workspace, "endpoint": endpoint, "deployment": name}
                rows.append(
                    (labels, deployment.counters, deployment.in_flight, len(deployment.waiting), deployment.ready)
                )
        self._send(front, request, 200, metrics.page(rows), b"text/plain; version=0.0.4")

    # --- the way out ---

    def _json(self, front: Front, request: Request, value: Any) -> None:
        self._send(front, request, 200, json.dumps(value).encode())

    def _say(
        self,
        front: Front,
        request: Request,
        status: int,
        code: str,
        message: str,
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        self._send(front, request, status, answers.error(code, message, request.id), headers=headers)

    def _send(
        self,
        front: Front,
        request: Request,
        status: int,
        body: bytes,
        kind: bytes = answers.JSON_TYPE,
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        without, close = request.method == b"HEAD", request.close or self.retiring
        content = answers.whole(status, body, request.id, kind=kind, headers=headers, close=close, without_body=without)
        front.answer(content, close)
        self.log.add(request, "", "", status, 0.0, len(request.body), len(body))

    def sweep(self, now: float) -> None:
        for deployment in self.table.deployments.values():
            deployment.sweep(now)
        for front in [front for front in self.fronts if front.deadline and front.deadline < now]:
            front.sweep(now)
        self.log.flush()


NOT_TAKEN = {"content-type", "content-length", "connection", "transfer-encoding", "x-request-id", "keep-alive"}


def _copied(pending: Pending, _kind: int, _payload: bytes, _batch: int) -> None:
    """The answer to a copy is thrown away."""
    pending.over = True


def _is_json(kind: bytes) -> bool:
    main = kind.partition(b";")[0].strip().lower()
    return main == b"application/json" or main.endswith(b"+json")


def _line(text: str) -> bytes:
    """A header value cannot begin another one."""
    return "".join(c if c >= " " and c != "\x7f" else " " for c in text).encode("latin-1", "replace")
