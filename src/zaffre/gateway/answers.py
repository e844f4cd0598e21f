"""HTTP answers as bytes. Errors have one shape, and name nothing of this machine."""

from __future__ import annotations

import json
from http import HTTPStatus

REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}
JSON_TYPE = b"application/json"


def ok(body: bytes, request_id: bytes, deployment: bytes) -> bytes:
    """The answer of a model, on a connection that stays open."""
    return b"".join(
        (
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ",
            b"%d" % len(body),
            b"\r\nx-request-id: ",
            request_id,
            b"\r\nazureml-model-deployment: ",
            deployment,
            b"\r\n\r\n",
            body,
        )
    )


def whole(
    status: int,
    body: bytes,
    request_id: bytes,
    *,
    kind: bytes = JSON_TYPE,
    headers: tuple[tuple[bytes, bytes], ...] = (),
    close: bool = False,
    without_body: bool = False,
) -> bytes:
    bare = status in (204, 304)  # they have no body, and callers read none
    lines = [
        b"HTTP/1.1 %d %s" % (status, REASONS.get(status, b"Unknown")),
        *(() if bare else (b"content-length: %d" % len(body),)),
        b"x-request-id: " + request_id,
        b"x-content-type-options: nosniff",
        b"cache-control: no-store",
    ]
    if body and not bare:
        lines.append(b"content-type: " + kind)
    lines += [name + b": " + value for name, value in headers]
    if close:
        lines.append(b"connection: close")
    return b"\r\n".join(lines) + b"\r\n\r\n" + (b"" if without_body or bare else body)


def error(code: str, message: str, request_id: bytes) -> bytes:
    return json.dumps({"error": {"code": code, "message": message, "request_id": request_id.decode()}}).encode()
