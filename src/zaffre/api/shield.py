"""What holds for every answer of every door: no page of ours is framed or run as a script, no text holds a NUL."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zaffre.base.errors import InvalidRequest

# A door that needs more (a page with scripts) sets its own policy, which stays.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Shield:
    """ASGI middleware; plain, because it stands before every call."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if "\0" in scope["path"] or b"%00" in scope["query_string"]:
            refused = InvalidRequest("the address holds a NUL character", code="MalformedRequest")
            body: dict[str, Any] = refused.body()
            return await JSONResponse(body, status_code=refused.status)(scope, receive, guarded)
        return await self._app(scope, receive, guarded)
