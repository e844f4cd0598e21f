"""One error shape for all of them. What nobody foresaw is logged here and told without its inside (SEC-19)."""

from __future__ import annotations

import logging

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from zaffre.base.errors import ZaffreError
from zaffre.base.ids import token

log = logging.getLogger("zaffre.api")


def known(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ZaffreError)
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None
    return JSONResponse(error.body(), status_code=error.status, headers=headers)


def http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = {404: "RouteNotFound", 405: "MethodNotAllowed"}.get(error.status_code, "HttpError")
    message = f"{request.method} {request.url.path[:200]}: {error.detail}"
    return JSONResponse(ZaffreError(message, code=code).body(), status_code=error.status_code)


def unknown(request: Request, error: Exception) -> Response:
    number = token()
    log.error("request %s: %s %s failed", number, request.method, request.url.path, exc_info=error)
    told = ZaffreError(f"the server failed on this request (number {number})", hint="its log tells more: zaffre status")
    return JSONResponse(told.body(), status_code=500)
