"""The ASGI application: REST routes, live data, other doors, the Studio's pages, and errors in one shape."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from zaffre.api import errors, openapi
from zaffre.api.auth import Gate
from zaffre.api.live import live_route
from zaffre.api.pages import pages
from zaffre.api.routes import routes
from zaffre.api.shield import Shield
from zaffre.base.errors import ZaffreError
from zaffre.services.context import Context


def application(ctx: Context, gate: Gate, version: str, doors: Sequence[BaseRoute] = ()) -> Starlette:
    """`doors` are routes of other protocols (MLflow's), which check permissions themselves."""

    @cache
    def described() -> dict[str, Any]:
        return openapi.document(version)

    async def schema(request: Request) -> Response:
        gate.check_host(request)
        gate.principal(request)
        return JSONResponse(described())

    own: list[BaseRoute] = [
        Route("/api/openapi.json", schema),
        *routes(ctx, gate),
        live_route(ctx, gate),
        *doors,
        *pages(gate),
    ]
    handlers: dict[Any, Any] = {ZaffreError: errors.known, HTTPException: errors.http, Exception: errors.unknown}
    app = Starlette(routes=own, exception_handlers=handlers, middleware=[Middleware(Shield)])
    app.router.redirect_slashes = False  # nobody is sent anywhere before we know who asks
    return app
