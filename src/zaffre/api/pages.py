"""The Studio: its built files from memory, and one page for every address that is not one of the API.

The files are the same for everybody and say nothing of this server, so they need no login; the page asks the API, which
does. The link that `zaffre up` prints carries the token: it becomes a cookie, and leaves the address.
"""

from __future__ import annotations

import gzip
import mimetypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote, urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from zaffre.api.auth import COOKIE, Gate

STATIC = Path(__file__).parent / "static"
SECTIONS = frozenset(
    ("", "jobs", "compare", "submit", "pipelines", "data", "models", "environments", "components", "datastores",
     "compute", "endpoints", "batch-endpoints", "settings")
)  # fmt: skip
ASSETS = "assets/"  # files that carry a hash of their content in their name
WORKERS = "assets/worker-"  # of a worker, its own file's policy holds; of other parts of a page, the page's
CSP = (
    "default-src 'self'; worker-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "connect-src 'self' ws: wss:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'self'; "
    "frame-ancestors 'none'; form-action 'none'"
)
TEXT = (".html", ".js", ".css", ".svg", ".json", ".txt", ".webmanifest")
mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("font/woff2", ".woff2")


@dataclass(frozen=True)
class Asset:
    """One built file; `packed` is its gzip where that is smaller."""

    content: bytes
    packed: bytes | None
    kind: str


@cache
def assets() -> dict[str, Asset]:
    """Every built file by its path."""
    found = {}
    for path in sorted(STATIC.rglob("*")):
        name = path.relative_to(STATIC).as_posix()
        if path.is_file() and name not in ("SOURCE_HASH", "index.html"):
            content = path.read_bytes()
            packed = gzip.compress(content, 6, mtime=0) if path.suffix in TEXT else None
            kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
            found[name] = Asset(content, packed if packed and len(packed) < len(content) else None, kind)
    return found


@cache
def index() -> str | None:
    """The page, with `<base href="%BASE%">` for the place below which it is served."""
    place = STATIC / "index.html"
    return place.read_text("utf-8") if place.is_file() else None


def pages(gate: Gate) -> list[Route]:
    async def page(request: Request) -> Response:
        gate.check_host(request)
        path = request.path_params["path"]
        if path.split("/", 1)[0] in ("api", "mlflow"):
            raise HTTPException(404, "no such address")
        if asset := assets().get(path):
            return _asset(request, asset, path)
        if path.startswith(ASSETS) or ("." in path and path.count("/") == 0):
            raise HTTPException(404, "no such file")
        token = request.query_params.get("token")
        if token is not None:
            return _login(gate, request, token)
        return _page(path)

    return [Route("/{path:path}", page, name="pages")]


def _asset(request: Request, asset: Asset, path: str) -> Response:
    hashed = path.startswith(ASSETS)
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable" if hashed else "no-cache",
        "Vary": "Accept-Encoding",
    }
    if not hashed or path.startswith(WORKERS):
        headers["Content-Security-Policy"] = CSP
    if asset.packed and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.packed, headers={**headers, "Content-Encoding": "gzip"}, media_type=asset.kind)
    return Response(asset.content, headers=headers, media_type=asset.kind)


def _page(path: str) -> Response:
    text = index()
    if text is None:
        raise HTTPException(
            503,
            "this copy has no built Studio; build it with: cd studio && npm ci && npm run build, or install a release",
        )
    base = "../" * path.count("/") or "./"
    headers = {"Content-Security-Policy": CSP, "Cache-Control": "no-cache"}
    status = (
        200 if path.split("/", 1)[0] in SECTIONS and not path.startswith("/") else 404
    )  # the page itself says what is not there
    return Response(text.replace("%BASE%", base), status, media_type="text/html", headers=headers)


def _login(gate: Gate, request: Request, token: str) -> Response:
    """To the same place without the token. The address is relative: a proxy may serve us below any path."""
    if not gate.knows(token):  # a cookie that somebody else chose would be theirs
        return PlainTextResponse("The token of this link is not valid. `zaffre status` shows the link.\n", 401)
    path = request.path_params["path"]
    rest = [(key, value) for key, value in request.query_params.multi_items() if key != "token"]
    place = "./" + quote(path.rsplit("/", 1)[-1], safe="") + (f"?{urlencode(rest)}" if rest else "")
    answer = RedirectResponse(place, status_code=303)
    answer.set_cookie(COOKIE, token, httponly=True, samesite="lax", secure=request.url.scheme == "https")
    return answer
