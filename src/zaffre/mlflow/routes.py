"""The MLflow door: `MLFLOW_TRACKING_URI=http://host:port/mlflow/<workspace>`.

Every request takes one way: it is authenticated, its endpoint is found in the table, the permission that the table
names is checked, and only then the body is read. What is not in the table does not exist.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from zaffre.base.errors import Forbidden, NotFound, TooLarge, ZaffreError
from zaffre.base.limits import TRACKING_REQUEST_BYTES
from zaffre.core.permissions import Permission
from zaffre.mlflow import artifacts, experiments, logged_models, metrics, multipart, registry, runs, server, traces
from zaffre.mlflow.endpoint import Call, Endpoint, Handler
from zaffre.mlflow.errors import described
from zaffre.mlflow.json import parse
from zaffre.mlflow.not_offered import why_not
from zaffre.services.context import Context

log = logging.getLogger(__name__)
# Its own threads: a plain executor hands over a call in half the time that Starlette's pool takes, and calls of this
# door are many and small. There are more of them than writers need: those that wait for a commit share one.
_WORKERS = ThreadPoolExecutor(32, "mlflow")
Authenticate = Callable[[Request], Context]
Stream = Callable[[Request, Context, str, str], Awaitable[Response]]
Proxied = Callable[[Request, Context, str, str, dict[str, Any]], Response]

READ, WRITE = Permission.TRACKING_READ, Permission.TRACKING_WRITE
API: tuple[Endpoint, ...] = tuple(
    endpoint
    for part in (experiments, runs, metrics, artifacts, logged_models, registry, traces, server)
    for endpoint in part.ENDPOINTS
)
# (method, what follows /api/<version>/mlflow-artifacts/) of the artifact proxy. Bodies of a `Stream` are bytes, those
# of a `Proxied` are JSON; `{path}` may have many parts.
PROXY: dict[tuple[str, str], tuple[Permission, Handler | Stream | Proxied]] = {
    ("GET", "artifacts"): (READ, artifacts.list_of_proxy),
    ("GET", "artifacts/{path}"): (READ, artifacts.download),
    ("PUT", "artifacts/{path}"): (WRITE, artifacts.upload),
    ("DELETE", "artifacts/{path}"): (WRITE, artifacts.remove),
    ("POST", "mpu/create/{path}"): (WRITE, multipart.create),
    ("POST", "mpu/complete/{path}"): (WRITE, multipart.complete),
    ("POST", "mpu/abort/{path}"): (WRITE, multipart.abort),
    ("GET", "mpu/parts/{path}"): (WRITE, multipart.parts),
    ("PUT", "mpu/parts/{path}"): (WRITE, multipart.part),
    ("GET", "presigned/{path}"): (READ, multipart.presigned),
}
_STREAMS = (artifacts.download, artifacts.upload, multipart.part)
_PROXIED = (multipart.create, multipart.complete, multipart.abort, multipart.parts, multipart.presigned)

_PLAIN = {(e.method, e.path): e for e in API if "{" not in e.path}
_PLACED = [(e, re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(e.path)))) for e in API if "{" in e.path]
NOUNS = {"registered-models": "model", "model-versions": "model", "experiments": "jobs", "runs": "jobs"}
HOT = ("runs/log-metric", "runs/log-batch")  # comes by the thousand; who draws it looks from time to time


class _Whole(Convertor[str]):
    """What follows, line breaks and all: one that is left out would name another file."""

    regex = "(?s:.*)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("whole", _Whole())
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def routes(authenticate: Authenticate) -> list[Route]:
    """Routes for a Starlette application.

    `authenticate` gives the context of whoever sent a request, or raises `Unauthorized`; it runs on the event loop and
    must be quick.
    """
    door = _Door(authenticate)
    return [
        Route("/mlflow/{workspace}/api/{version}/mlflow/{path:whole}", door.api, methods=METHODS),
        Route("/mlflow/{workspace}/api/{version}/mlflow-artifacts/{path:whole}", door.proxy, methods=METHODS),
        Route("/mlflow/{workspace}/v1/traces", door.spans, methods=["POST"]),
        Route("/mlflow/{workspace}/version", door.version, methods=["GET"]),
        Route("/mlflow/{workspace}/{path:whole}", door.unknown, methods=METHODS),
    ]


def table() -> Iterator[tuple[str, str, Permission]]:
    """Every endpoint: method, path below the tracking URI, permission."""
    for endpoint in API:
        yield endpoint.method, f"/api/2.0/mlflow/{endpoint.path}", endpoint.permission
    for (method, path), (permission, _) in PROXY.items():
        yield method, f"/api/2.0/mlflow-artifacts/{path}", permission
    yield "POST", "/v1/traces", WRITE
    yield "GET", "/version", READ


class _Door:
    def __init__(self, authenticate: Authenticate) -> None:
        self._authenticate = authenticate

    async def api(self, request: Request) -> Response:
        return await _answered(self._api, request)

    async def proxy(self, request: Request) -> Response:
        return await _answered(self._proxy, request)

    async def spans(self, request: Request) -> Response:
        return await _answered(self._spans, request)

    async def version(self, request: Request) -> Response:
        return await _answered(self._version, request)

    async def unknown(self, request: Request) -> Response:
        return await _answered(self._unknown, request)

    def _admit(self, request: Request, permission: Permission | None) -> tuple[Context, str]:
        """Who asks, and where; `permission` None for what does not exist, which is told only to those who may read."""
        context = self._authenticate(request)
        workspace = request.path_params["workspace"]
        needed = permission or READ
        if not context.principal.may(needed, workspace):
            raise Forbidden(
                f"{context.principal.name} may not {needed} in workspace {workspace}",
                hint="use a token of this workspace that has this right",
            )
        return context, workspace

    async def _api(self, request: Request) -> Response:
        path = request.path_params["path"]
        endpoint, places = _find(request.method, path)
        context, workspace = self._admit(request, endpoint.permission if endpoint else None)
        if endpoint is None:
            raise _no_endpoint(request)
        body = _query(request) if request.method == "GET" else parse(await _body(request))
        if request.method == "DELETE" and not body:
            body = _query(request)
        call = Call(context, workspace, body, places, request.headers.get("user-agent", ""))
        answer = await asyncio.get_running_loop().run_in_executor(_WORKERS, _work, endpoint.handler, call)
        if endpoint.permission is not READ and (noun := NOUNS.get(path.partition("/")[0])) and path not in HOT:
            context.changes.tell(workspace, noun, str(body.get("run_id") or "") if noun == "jobs" else "")
        return _json(answer)

    async def _proxy(self, request: Request) -> Response:
        found, path = _find_proxy(request.method, request.path_params["path"])
        context, workspace = self._admit(request, found[0] if found else None)
        if found is None:
            raise _no_endpoint(request)
        answer: Any = found[1]
        if answer in _STREAMS:
            response: Response = await answer(request, context, workspace, path)
            return response
        if answer in _PROXIED:
            body = parse(await _body(request)) if request.method == "POST" else {}
            return await run_in_threadpool(answer, request, context, workspace, path, body)
        call = Call(context, workspace, _query(request), {"path": path}, request.headers.get("user-agent", ""))
        return _json(await run_in_threadpool(_work, answer, call))

    async def _spans(self, request: Request) -> Response:
        context, workspace = self._admit(request, WRITE)
        return await traces.receive_spans(request, context, workspace, await _body(request))

    async def _version(self, request: Request) -> Response:
        self._admit(request, READ)
        return PlainTextResponse(server.API_VERSION)

    async def _unknown(self, request: Request) -> Response:
        self._admit(request, None)
        raise _no_endpoint(request)


def _find(method: str, path: str) -> tuple[Endpoint | None, dict[str, str]]:
    if found := _PLAIN.get((method, path)):
        return found, {}
    for endpoint, pattern in _PLACED:
        if endpoint.method == method and (match := pattern.fullmatch(path)):
            return endpoint, match.groupdict()
    return None, {}


def _find_proxy(method: str, path: str) -> tuple[tuple[Permission, Handler | Stream | Proxied] | None, str]:
    """The longest beginning that the table knows, and the rest as the path."""
    if found := PROXY.get((method, path)):
        return found, ""
    for begins in ("mpu/create/", "mpu/complete/", "mpu/abort/", "mpu/parts/", "presigned/", "artifacts/"):
        if path.startswith(begins) and path != begins:
            return PROXY.get((method, begins + "{path}")), path.removeprefix(begins)
    return None, path


def _work(handler: Handler, call: Call) -> bytes:
    return orjson.dumps(handler(call) or {})


async def _body(request: Request) -> bytes:
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > TRACKING_REQUEST_BYTES:
            raise TooLarge(f"the request is larger than {TRACKING_REQUEST_BYTES} bytes", hint="send it in parts")
        pieces.append(piece)
    return b"".join(pieces)


def _query(request: Request) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in request.query_params.multi_items():
        if key not in values:
            values[key] = value
        elif isinstance(values[key], list):
            values[key].append(value)
        else:
            values[key] = [values[key], value]
    return values


def _no_endpoint(request: Request) -> NotFound:
    path = request.path_params.get("path", "")
    return NotFound(
        f"{request.method} {path[:200]} is not offered by this server: {why_not(path)}",
        code="EndpointNotFound",
        hint="docs/mlflow.md lists what is",
    )


async def _answered(work: Callable[[Request], Awaitable[Response]], request: Request) -> Response:
    try:
        return await work(request)
    except ZaffreError as error:
        status, body = described(error)
    except ClientDisconnect:
        return Response(status_code=400)
    except Exception:
        log.exception("%s %s failed", request.method, request.url.path)
        status, body = 500, {"error_code": "INTERNAL_ERROR", "message": "the server failed; its log says why"}
    return _json(orjson.dumps(body), status)


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, media_type="application/json", headers={"X-Content-Type-Options": "nosniff"})
