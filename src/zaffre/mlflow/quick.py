"""A short way for what programs send most, metrics: before routes are looked through and headers added.

It answers as routes.py would, and hands whatever is not plain metrics to the same endpoints. Requests that come
together share a commit, on SQLite without a thread; each is answered when what it brought is committed, not before.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import get_ident
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from zaffre.base.errors import Forbidden, TooLarge, ZaffreError
from zaffre.base.limits import TRACKING_REQUEST_BYTES
from zaffre.core.permissions import Permission
from zaffre.mlflow import runs
from zaffre.mlflow.endpoint import Call
from zaffre.mlflow.errors import described
from zaffre.mlflow.json import parse, required, rows
from zaffre.services.context import Context
from zaffre.services.tracking import values
from zaffre.services.tracking.log_batch import begin_metrics

log = logging.getLogger(__name__)
PATH = re.compile(r"/mlflow/([^/\0]+)/api/[^/]+/mlflow/runs/(log-metric|log-batch)")
ENDPOINTS = {"log-metric": runs.log_metric, "log-batch": runs.batch}
SMALL = 1 << 18  # bytes: more are taken apart in a thread, others wait meanwhile
_WORKERS = ThreadPoolExecutor(8, "metrics")
_HEADERS = [(b"content-type", b"application/json"), (b"x-content-type-options", b"nosniff")]


class Quick:
    """ASGI, around the application. `authenticate` as in `zaffre.mlflow.routes.routes`."""

    def __init__(self, app: ASGIApp, authenticate: Callable[[Request], Context]) -> None:
        self.inner, self._authenticate = app, authenticate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = PATH.fullmatch(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if found is None:
            return await self.inner(scope, receive, send)
        status, body = 200, b"{}"
        try:
            await self._log(Request(scope), receive, found[1], found[2])
        except ZaffreError as error:
            status, said = described(error)
            body = orjson.dumps(said)
        except ClientDisconnect:
            return None
        except Exception:
            log.exception("POST %s failed", scope["path"])
            status, body = 500, b'{"error_code":"INTERNAL_ERROR","message":"the server failed; its log says why"}'
        headers = [*_HEADERS, (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        return await send({"type": "http.response.body", "body": body})

    async def _log(self, request: Request, receive: Receive, workspace: str, kind: str) -> None:
        context = self._authenticate(request)
        if not context.principal.may(Permission.TRACKING_WRITE, workspace):
            raise Forbidden(
                f"{context.principal.name} may not {Permission.TRACKING_WRITE} in workspace {workspace}",
                hint="use a token of this workspace that has this right",
            )
        raw = await _body(receive)
        loop = asyncio.get_running_loop()
        if len(raw) > SMALL:
            body = await loop.run_in_executor(_WORKERS, parse, raw)
        else:
            body = parse(raw)
            if (metrics := _plain(kind, body)) is not None:
                points = values.points(metrics)
                ended: asyncio.Future[None] = loop.create_future()

                def told(error: Exception | None) -> None:
                    if get_ident() == here:
                        _end(ended, error)
                    else:
                        loop.call_soon_threadsafe(_end, ended, error)

                here, run = get_ident(), required(body, "run_id", "run_uuid")
                begin_metrics(context, workspace, run, points, told, loop.call_soon, _WORKERS.submit)
                return await ended
        call = Call(context, workspace, body, {}, request.headers.get("user-agent", ""))
        await loop.run_in_executor(_WORKERS, ENDPOINTS[kind], call)
        return None


def _plain(kind: str, body: dict[str, Any]) -> list[dict[str, Any]] | None:
    """The metrics of a request that brings nothing else, and none of them for a model."""
    if kind == "log-metric":
        return None if body.get("model_id") else [body]
    if body.get("params") or body.get("tags"):
        return None
    metrics = rows(body, "metrics")
    return None if any(item.get("model_id") for item in metrics) else metrics


def _end(ended: asyncio.Future[None], error: Exception | None) -> None:
    if ended.done():
        return  # the client has gone
    if error is None:
        ended.set_result(None)
    else:
        ended.set_exception(error)


async def _body(receive: Receive) -> bytes:
    pieces, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        piece, more = message.get("body", b""), message.get("more_body", False)
        size += len(piece)
        if size > TRACKING_REQUEST_BYTES:
            raise TooLarge(f"the request is larger than {TRACKING_REQUEST_BYTES} bytes", hint="send it in parts")
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
