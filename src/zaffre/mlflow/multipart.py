"""Uploads in parts and downloads in ranges, as the artifact proxy of MLflow has them.

The addresses that clients get are of this server, and come with the very headers of the request that asked for them:
no secret is ever part of an address.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from zaffre.mlflow.artifacts import PIECE
from zaffre.mlflow.json import integer, required, rows
from zaffre.services.context import Context
from zaffre.services.tracking import multipart as service
from zaffre.services.tracking.artifacts import read_artifact
from zaffre.services.tracking.values import wrong

UNKEPT = {"Cache-Control": "no-store"}  # they hold what opens the door
IN_RANGES_FROM = 32 * 2**20  # bytes; a smaller file is quicker in one piece


def create(request: Request, context: Context, workspace: str, path: str, body: dict[str, Any]) -> Response:
    count = integer(body, "num_parts")
    upload = service.create_upload(context, workspace, _target(path, body), 1 if count is None else count)
    place = f"{_root(request)}/mpu/parts/{upload.id}"
    credentials = [
        {"url": f"{place}/{number}", "part_number": number, "headers": _headers(request)}
        for number in range(1, upload.parts + 1)
    ]
    return JSONResponse({"upload_id": upload.id, "credentials": credentials}, headers=UNKEPT)


def complete(_request: Request, context: Context, workspace: str, path: str, body: dict[str, Any]) -> Response:
    etags = {integer(part, "part_number") or 0: str(part.get("etag") or "") for part in rows(body, "parts")}
    service.complete_upload(context, workspace, _target(path, body), required(body, "upload_id"), etags)
    return JSONResponse({})


def abort(_request: Request, context: Context, workspace: str, path: str, body: dict[str, Any]) -> Response:
    service.abort_upload(context, workspace, _target(path, body), required(body, "upload_id"))
    return JSONResponse({})


def parts(_request: Request, context: Context, workspace: str, path: str, _body: dict[str, Any]) -> Response:
    """What has come: who goes on after a cut sends the others, to the same addresses."""
    upload = service.get_upload(context, workspace, path)
    return JSONResponse({"path": upload.path, "num_parts": upload.parts, "parts": upload.there})


async def part(request: Request, context: Context, workspace: str, path: str) -> Response:
    """The bytes of one part."""
    upload, _, number = path.partition("/")
    length = request.headers.get("content-length", "")
    size = int(length) if re.fullmatch(r"\d{1,15}", length) else None
    if not re.fullmatch(r"\d{1,6}", number):
        raise wrong(f"Invalid part {number[:50]!r}")
    found = await run_in_threadpool(service.get_upload, context, workspace, upload)
    with await run_in_threadpool(service.Part, found, int(number), size) as received:
        waiting, held = [], 0
        async for piece in request.stream():
            waiting.append(piece)
            held += len(piece)
            if held >= PIECE:
                await run_in_threadpool(received.write, b"".join(waiting))
                waiting, held = [], 0
        if held:
            await run_in_threadpool(received.write, b"".join(waiting))
        await run_in_threadpool(received.commit)
    return Response(status_code=200, headers={"ETag": received.etag})


def presigned(request: Request, context: Context, workspace: str, path: str, _body: dict[str, Any]) -> Response:
    """Where to read a file; with its size when it is worth reading in ranges."""
    file, size = read_artifact(context, workspace, path)
    file.close()
    answer = {"url": f"{_root(request)}/artifacts/{quote(path)}", "headers": _headers(request)}
    return JSONResponse(answer | ({"file_size": size} if size >= IN_RANGES_FROM else {}), headers=UNKEPT)


def _target(path: str, body: dict[str, Any]) -> str:
    """The folder is in the address, the file's own name comes as the client's path of it."""
    name = re.split(r"[\\/]", required(body, "path"))[-1]
    return f"{path}/{name}" if path else name


def _root(request: Request) -> str:
    workspace = quote(request.path_params["workspace"], safe="")
    return f"{request.url.scheme}://{request.url.netloc}/mlflow/{workspace}/api/2.0/mlflow-artifacts"


def _headers(request: Request) -> dict[str, str]:
    given = request.headers.get("authorization")
    return {"Authorization": given} if given else {}
