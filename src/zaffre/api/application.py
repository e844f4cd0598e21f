"""The ASGI application: REST routes, the OpenAPI document, other doors beside them, and errors in one shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from zaffre.api import errors, openapi
from zaffre.api.auth import COOKIE, Gate
from zaffre.api.routes import routes
from zaffre.api.shield import Shield
from zaffre.base.errors import Unauthorized, ZaffreError
from zaffre.core.permissions import Permission
from zaffre.services.context import Context
from zaffre.services.handlers import answer
from zaffre.wire.jobs import JobRef


def application(
    ctx: Context, gate: Gate, version: str, doors: Sequence[BaseRoute] = (), first: Sequence[Middleware] = ()
) -> Starlette:
    """`doors` are routes of other protocols (MLflow's), which check permissions themselves; `first` stands before all
    else and answers what must be quick."""

    @cache
    def described() -> dict[str, Any]:
        return openapi.document(version)

    async def schema(request: Request) -> Response:
        gate.check_host(request)
        gate.principal(request)
        return JSONResponse(described())

    async def front(request: Request) -> Response:
        """The link that `zaffre up` prints: its token becomes a cookie, and leaves the address."""
        gate.check_host(request)
        token = request.query_params.get("token")
        if token is not None and gate.knows(token):  # a cookie that somebody else chose would be theirs
            answer = RedirectResponse("/", status_code=303)
            answer.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=request.url.scheme == "https")
            return answer
        try:
            gate.principal(request)
        except Unauthorized:
            return PlainTextResponse("Zaffre. Open the link that `zaffre status` shows.\n", status_code=401)
        return PlainTextResponse(
            f"Zaffre {version} is running.\n\nREST: /api (see /api/openapi.json)\nMLflow: /mlflow/<workspace>\n"
        )

    async def job(request: Request) -> Response:
        """The page behind the link of a job: what `zaffre job show` says, as text."""
        gate.check_host(request)
        principal = gate.principal(request)
        workspace = request.query_params.get("workspace", "default")
        gate.require(principal, Permission.JOBS_READ, workspace)
        asked = JobRef(workspace=workspace, name=request.path_params["name"])
        view = await run_in_threadpool(answer, replace(ctx, principal=principal), "jobs.show", asked)
        return PlainTextResponse(view.model_dump_json(indent=2, exclude_none=True) + "\n")

    own: list[BaseRoute] = [
        Route("/", front),
        Route("/jobs/{name}", job),
        Route("/api/openapi.json", schema),
        *routes(ctx, gate),
    ]
    handlers: dict[Any, Any] = {ZaffreError: errors.known, HTTPException: errors.http, Exception: errors.unknown}
    app = Starlette(routes=[*own, *doors], exception_handlers=handlers, middleware=[*first, Middleware(Shield)])
    app.router.redirect_slashes = False  # nobody is sent anywhere before we know who asks
    return app
