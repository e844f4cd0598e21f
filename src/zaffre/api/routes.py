"""The REST routes, made from the operation table: one way in for all of them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import queue
import re
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ValidationError
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from zaffre.api import errors
from zaffre.api.auth import Gate
from zaffre.api.feeds import follow
from zaffre.api.files import send
from zaffre.api.packing import answer as packed
from zaffre.base.errors import Fault, InvalidRequest, TooLarge, ZaffreError
from zaffre.base.limits import REQUEST_BYTES
from zaffre.core.permissions import Permission
from zaffre.services.context import Context, Feed
from zaffre.services.handlers import HANDLERS
from zaffre.services.jobs.files import OpenFile
from zaffre.services.once import once
from zaffre.wire.operation import Body, Operation
from zaffre.wire.table import OPERATIONS

PREFIX = "/api"
# What JSON can write and no database takes: half of a surrogate pair, and NUL (an escaped backslash before it is text).
SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def routes(ctx: Context, gate: Gate) -> list[Route]:
    return [
        Route(PREFIX + operation.path, _endpoint(operation, ctx, gate), methods=[operation.method], name=operation.name)
        for operation in sorted(OPERATIONS.values(), key=lambda item: item.path.count("{"))
    ]


def _endpoint(operation: Operation[Any, Any], ctx: Context, gate: Gate) -> Callable[[Request], Any]:
    handler = HANDLERS[operation.name]

    async def endpoint(request: Request) -> Response:
        gate.check_host(request)
        mine = ctx
        if operation.permission is not Permission.PUBLIC:
            principal = gate.principal(request)
            gate.require(principal, operation.permission, request.path_params.get("workspace"))
            mine = replace(ctx, principal=principal)
        asked = await _request(operation, request)
        changes = operation.method != "GET" and not operation.asks
        answer = await answered(request, mine, asked)
        if changes:
            _tell(mine, operation, asked)
        return answer

    async def answered(request: Request, mine: Context, asked: Any) -> Response:
        if operation.body is Body.STREAM_UP:
            return await _json(request, await _take(handler, mine, asked, request))
        if operation.method == "POST" and not operation.asks and (key := request.headers.get("idempotency-key")):
            return await _json_text(request, await run_in_threadpool(once, mine, key, operation.name, asked, handler))
        answer = await run_in_threadpool(handler, mine, asked)
        if isinstance(answer, Feed):
            kind = "application/x-ndjson" if operation.body is Body.EVENTS else "application/octet-stream"
            return StreamingResponse(follow(mine, answer), media_type=kind, headers=SAFE)
        if isinstance(answer, OpenFile):
            return send(request, answer)
        if operation.body is Body.STREAM_DOWN:
            return StreamingResponse(_chunks(answer), media_type="application/x-tar", headers=SAFE)
        if operation.body is Body.BYTES:
            return await packed(request, answer, "application/octet-stream", SAFE)
        return await _json(request, answer)

    async def told(request: Request) -> Response:
        try:
            return await endpoint(request)
        except (ZaffreError, HTTPException):
            raise
        except Exception as error:  # told once, and the connection stays open
            return errors.unknown(request, error)

    return told


def _tell(ctx: Context, operation: Operation[Any, Any], asked: Any) -> None:
    """Pages that show things of this noun look again."""
    noun, _, _ = operation.name.partition(".")
    name = getattr(asked, "name", "") if noun == "jobs" else ""
    workspace = "" if noun == "workspace" else getattr(asked, "workspace", "")
    ctx.changes.tell(workspace, noun, name)


SAFE = {"X-Content-Type-Options": "nosniff", "Content-Disposition": "attachment", "Cache-Control": "no-store"}


async def _request(operation: Operation[Any, Any], request: Request) -> BaseModel:
    """Path, query and body become the one request model. Raises `InvalidRequest` naming every wrong field."""
    in_query = operation.method in ("GET", "DELETE") or operation.body is Body.STREAM_UP
    fields: dict[str, Any] = dict(request.query_params) if in_query else {}
    if not in_query:
        length = request.headers.get("content-length", "0")
        if length.isdigit() and int(length) > REQUEST_BYTES:
            raise TooLarge(f"a request may have {REQUEST_BYTES >> 20} MB")
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > REQUEST_BYTES:
                raise TooLarge(f"a request may have {REQUEST_BYTES >> 20} MB")
        if body:
            fields = _parsed(bytes(body))
    fields |= request.path_params
    try:
        return operation.request.model_validate(fields)  # type: ignore[no-any-return]
    except ValidationError as error:
        faults = [_fault(item) for item in error.errors()]
        names = "; ".join(fault.message for fault in faults)
        raise InvalidRequest(f"{operation.name}: {names}", faults=faults) from None


def _fault(item: Any) -> Fault:
    """What is wrong with one field, told with its name. Unknown ones come from a client of another release."""
    name = ".".join(map(str, item["loc"]))
    if item["type"] == "extra_forbidden":
        return Fault(
            f"`{name}` is not known to this server",
            field=name,
            hint="is the client of another release? compare `zaffre --version` with `zaffre status`",
        )
    return Fault(f"`{name}`: {item['msg']}", field=name)


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body, parse_constant=_no_number, parse_int=_whole)
        if SURROGATE.search(body):
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise InvalidRequest("the body is not JSON in UTF-8", code="MalformedRequest") from None
    if NUL.search(body):
        raise InvalidRequest("the body holds a NUL character, which no text may", code="MalformedRequest")
    if not isinstance(value, dict):
        raise InvalidRequest("the body is not a JSON object", code="MalformedRequest")
    return value


def _whole(digits: str) -> int:
    if len(digits) > 20 or not -(2**63) <= (value := int(digits)) < 2**63:
        raise InvalidRequest(f"the number {digits[:30]} has more than 64 bits", code="MalformedRequest")
    return value


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


async def _take(handler: Callable[..., Any], ctx: Context, asked: BaseModel, request: Request) -> Any:
    """A body of bytes of any length goes to the service as an iterator, which runs in a thread of its own."""
    chunks: queue.Queue[bytes | None] = queue.Queue(maxsize=16)
    gone = threading.Event()

    def read() -> Iterator[bytes]:
        while (chunk := chunks.get()) is not None:
            yield chunk
        if gone.is_set():
            raise InvalidRequest("the client went away before the end of the body")

    def offer(chunk: bytes | None) -> None:
        """Wait for room, unless the service has had enough."""
        taken = False
        while not taken and not done.is_set():
            with contextlib.suppress(queue.Full):
                chunks.put(chunk, timeout=0.2)
                taken = True

    done = threading.Event()

    async def feed() -> None:
        try:
            async for chunk in request.stream():
                if chunk:
                    await run_in_threadpool(offer, chunk)
        except ClientDisconnect:
            gone.set()
        await run_in_threadpool(offer, None)

    def work() -> Any:
        try:
            return handler(ctx, asked, read())
        finally:
            done.set()

    feeding = asyncio.create_task(feed())
    try:
        return await run_in_threadpool(work)
    finally:
        feeding.cancel()


async def _chunks(content: Iterator[bytes]) -> AsyncIterator[bytes]:
    async for chunk in iterate_in_threadpool(content):
        yield chunk


async def _json_text(request: Request, text: str) -> Response:
    return await packed(request, text.encode(), "application/json", {"Cache-Control": "no-store"})


async def _json(request: Request, answer: Any) -> Response:
    if not isinstance(answer, BaseModel):
        return Response(json.dumps(answer), media_type="application/json")
    return await _json_text(request, answer.model_dump_json(exclude_none=True))
