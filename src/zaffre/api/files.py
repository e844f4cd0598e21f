"""One file as an answer: whole or the range that was asked for, and inert, whatever is in it."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import AsyncIterator
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from zaffre.services.jobs.files import PIECE, OpenFile

# What a browser would run or render is sent as bytes; of the rest it may know the type.
HARMLESS = re.compile(r"text/(plain|csv)|image/(png|jpeg|gif|webp)|audio/[\w.+-]+|video/(mp4|webm)|application/json")
INERT = {"Content-Security-Policy": "sandbox; default-src 'none'", "Cache-Control": "private, no-cache"}
# HTML that a job wrote, shown in a frame of the Studio: it has no origin, so neither our cookie nor our API.
CLOSED_OFF = {
    "Content-Security-Policy": (
        "sandbox allow-scripts; default-src 'unsafe-inline' data: blob:; connect-src 'none'; form-action 'none'; "
        "frame-ancestors 'self'"
    ),
    "X-Frame-Options": "SAMEORIGIN",
    "Cache-Control": "private, no-cache",
    "Content-Type": "text/html; charset=utf-8",
}


def send(request: Request, found: OpenFile) -> Response:
    kind = mimetypes.guess_type(found.name)[0] or "application/octet-stream"
    if found.render and kind == "text/html":
        headers = {**CLOSED_OFF, "Content-Disposition": "inline"}
    else:
        headers = {
            **INERT,
            "Content-Type": kind if HARMLESS.fullmatch(kind) else "application/octet-stream",
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.name, safe='')}",
        }
    headers["Accept-Ranges"] = "bytes"
    start, end, status = 0, found.size, 200
    if match := re.fullmatch(r"bytes=(\d{0,15})-(\d{0,15})", request.headers.get("range", "")):
        wanted = _range(match[1], match[2], found.size)
        if wanted is None:
            found.file.close()
            return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{found.size}"})
        start, end = wanted
        status, headers["Content-Range"] = 206, f"bytes {start}-{end - 1}/{found.size}"
    headers["Content-Length"] = str(end - start)
    return StreamingResponse(_pieces(found, start, end), status, headers)


def _range(first: str, last: str, size: int) -> tuple[int, int] | None:
    """[start, end) in bytes, or None when there is no such part."""
    if not first:
        return (max(0, size - int(last)), size) if last and int(last) and size else None
    start, end = int(first), min(size, int(last) + 1) if last else size
    return (start, end) if start < end else None


async def _pieces(found: OpenFile, start: int, end: int) -> AsyncIterator[bytes]:
    try:
        found.file.seek(start)
        while start < end:
            piece = await run_in_threadpool(found.file.read, min(PIECE, end - start))
            if not piece:
                return  # the file became shorter: the length promised is not reached, and the client sees that
            start += len(piece)
            yield piece
    finally:
        found.file.close()
