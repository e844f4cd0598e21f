"""Files of runs and models: the artifact proxy of MLflow, and the list of a run's artifacts.

Bytes stream both ways in pieces of a megabyte: a file of any size costs the same memory. Downloads are inert: no
browser shows them as a page of this server.
"""

from __future__ import annotations

import mimetypes
import re
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any, BinaryIO
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from zaffre.base.errors import NotFound
from zaffre.core.permissions import Permission
from zaffre.mlflow import show
from zaffre.mlflow.endpoint import Call, Endpoint
from zaffre.mlflow.json import optional
from zaffre.mlflow.runs import run_of
from zaffre.services.context import Context
from zaffre.services.traces.get_trace import spans_file
from zaffre.services.tracking.artifacts import (
    TRACES,
    commit_artifact,
    delete_artifact,
    list_artifacts,
    read_artifact,
    run_path,
    run_uri,
    write_artifact,
)
from zaffre.services.tracking.get_run import get_run

PIECE = 2**20
# What a browser would run or render is sent as bytes; of the rest it may know the type.
_HARMLESS = re.compile(r"text/(plain|csv)|image/(png|jpeg|gif|webp)|application/(json|zip|gzip|octet-stream)")
INERT = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "private, no-cache",
}
_OLD_CLIENT = re.compile(r"mlflow-python-client/[0-2]\.")


def list_of_run(call: Call) -> dict[str, Any]:
    run = get_run(call.context, call.workspace, run_of(call)).record.name
    folder = optional(call.body, "path") or ""
    found = list_artifacts(call.context, call.workspace, f"{run_path(run)}/{folder}" if folder else run_path(run),
                           with_models=_merges_nothing(call.client))  # fmt: skip
    return {"root_uri": run_uri(run), "files": show.files(found, folder)}


def list_of_proxy(call: Call) -> dict[str, Any]:
    """Names only: the client puts the folder before them."""
    found = list_artifacts(
        call.context, call.workspace, optional(call.body, "path") or "", with_models=_merges_nothing(call.client)
    )
    return {"files": show.files(found)}


def _merges_nothing(client: str) -> bool:
    """Clients before 3.0 know no logged models: to them a model is a folder of the run."""
    return _OLD_CLIENT.match(client) is not None


def remove(call: Call) -> None:
    delete_artifact(call.context, call.workspace, call.path["path"])


async def download(request: Request, context: Context, workspace: str, path: str) -> Response:
    """The whole file, or the one range that the request names."""
    file, size = await run_in_threadpool(_open, context, workspace, path)
    name = PurePosixPath(path).name
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    headers = {
        **INERT,
        "Content-Type": kind if _HARMLESS.fullmatch(kind) else "application/octet-stream",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "Accept-Ranges": "bytes",
    }
    start, end, status = 0, size, 200
    if match := re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("range", "")):
        wanted = _range(match[1], match[2], size)
        if wanted is None:
            file.close()
            return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{size}"})
        start, end = wanted
        status, headers["Content-Range"] = 206, f"bytes {start}-{end - 1}/{size}"
    headers["Content-Length"] = str(end - start)
    return StreamingResponse(_pieces(file, start, end), status, headers)


def _open(context: Context, workspace: str, path: str) -> tuple[BinaryIO, int]:
    """The file, or what older clients expect to be one. Raises `NotFound`."""
    try:
        return read_artifact(context, workspace, path)
    except NotFound:
        match = re.fullmatch(rf"{TRACES}/([^/]+)/traces\.json", path)
        spans = spans_file(context, workspace, match[1]) if match else None
        if spans is None:
            raise
        return BytesIO(spans), len(spans)


def _range(first: str, last: str, size: int) -> tuple[int, int] | None:
    """[start, end) in bytes, or None when there is no such part."""
    if not first:
        return (max(0, size - int(last)), size) if last and int(last) and size else None
    start, end = int(first), min(size, int(last) + 1) if last else size
    return (start, end) if start < end else None


async def _pieces(file: BinaryIO, start: int, end: int) -> AsyncIterator[bytes]:
    try:
        file.seek(start)
        while start < end:
            piece = await run_in_threadpool(file.read, min(PIECE, end - start))
            if not piece:
                return  # the file became shorter: the length promised is not reached, and the client sees that
            start += len(piece)
            yield piece
    finally:
        file.close()


async def upload(request: Request, context: Context, workspace: str, path: str) -> Response:
    """Nothing is visible until the last byte is there; a broken transfer leaves nothing."""
    staged = await run_in_threadpool(write_artifact, context, workspace, path)
    with staged:
        waiting, held = [], 0
        async for piece in request.stream():
            waiting.append(piece)
            held += len(piece)
            if held >= PIECE:
                await run_in_threadpool(staged.write, b"".join(waiting))
                waiting, held = [], 0
        if held:
            await run_in_threadpool(staged.write, b"".join(waiting))
        await run_in_threadpool(commit_artifact, context, workspace, path, staged)
    return JSONResponse({})


ENDPOINTS = (Endpoint("GET", "artifacts/list", Permission.TRACKING_READ, list_of_run),)
