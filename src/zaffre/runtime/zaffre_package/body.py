"""The body of a request: of a length that is said, or in chunks; within limits of size, memory and time."""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Iterator
from typing import Any

from .workers import Refused

SECONDS = 15.0  # for the first piece, and then for each KB
DISCARDED = 1 << 16
LINE_BYTES = 1 << 10  # of the head of a chunk
TRAILER_BYTES = 1 << 13


def read(handler: Any) -> bytes:
    """Raises `Refused`; where the body was not read to its end, the connection ends with the answer."""
    handler.close_connection, close = True, handler.close_connection
    most = handler.server.body_bytes
    body = _chunked(handler, most) if _is_chunked(handler) else _sized(handler, most)
    handler.deadline = 0.0
    handler.close_connection = close
    encoding = handler.headers.get("content-encoding", "identity").lower()
    return body if encoding in ("", "identity") else _unpacked(body, encoding, most)


def discard(handler: Any) -> None:
    """What a stranger sends is not kept; a little of it is read, so that the answer arrives before the end."""
    handler.close_connection = True
    handler.deadline = time.monotonic() + SECONDS
    try:
        if _is_chunked(handler):
            left = DISCARDED
            for piece in _chunks(handler, DISCARDED):
                left -= len(piece)
                if left < 0:
                    return
        else:
            handler.rfile.read(min(_length(handler), DISCARDED))
    except Refused:
        pass


def _is_chunked(handler: Any) -> bool:
    if handler.headers.defects:  # what follows such a line is not read, and may be the length
        raise Refused(400, "BadRequest", "a line of the head is no header")
    codings = handler.headers.get_all("transfer-encoding") or []
    if not codings:
        return False
    if handler.headers.get_all("content-length"):
        raise Refused(400, "BadRequest", "the length of the body is said twice")
    if len(codings) > 1 or codings[0].strip().lower() != "chunked":
        raise Refused(501, "UnsupportedEncoding", "a body may come in chunks, in no other transfer encoding")
    if handler.request_version != "HTTP/1.1":
        raise Refused(400, "BadRequest", "only HTTP/1.1 has bodies in chunks")
    return True


def _length(handler: Any) -> int:
    lengths = handler.headers.get_all("content-length") or ["0"]
    if len(lengths) > 1 or not re.fullmatch("[0-9]{1,15}", lengths[0]):
        raise Refused(400, "BadRequest", "Content-Length is no number, or there is more than one")
    return int(lengths[0])


def _sized(handler: Any, most: int) -> bytes:
    length = _length(handler)
    if length > most:
        raise _too_large(most)
    hold(handler, length)
    handler.deadline = time.monotonic() + SECONDS + length / 1024
    body: bytes = handler.rfile.read(length)
    if len(body) < length:
        raise Refused(400, "BadRequest", "the body is cut off")
    return body


def _chunked(handler: Any, most: int) -> bytes:
    body = bytearray()
    began = time.monotonic()
    handler.deadline = began + SECONDS
    for piece in _chunks(handler, most):
        body += piece
        handler.deadline = began + SECONDS + len(body) / 1024
    return bytes(body)


def _chunks(handler: Any, most: int) -> Iterator[bytes]:
    """RFC 9112, 7.1. Extensions and trailers are read and forgotten; lines end with CR LF and nothing else."""
    total = 0
    while True:
        line = handler.rfile.readline(LINE_BYTES)
        found = re.fullmatch(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n", line)
        if not found:
            raise Refused(400, "BadRequest", "the body is cut off, or not in chunks")
        size = int(found[1], 16)
        if not size:
            break
        total += size
        if total > most:
            raise _too_large(most)
        hold(handler, size)
        piece = handler.rfile.read(size)
        if len(piece) < size or handler.rfile.read(2) != b"\r\n":
            raise Refused(400, "BadRequest", "the body is cut off, or not in chunks")
        yield piece
    left = TRAILER_BYTES
    while True:
        line = handler.rfile.readline(left)
        if line == b"\r\n":
            return
        left -= len(line)
        if not line.endswith(b"\r\n") or left <= 0:
            raise Refused(400, "BadRequest", "what follows the body is too long, or cut off")


def hold(handler: Any, size: int) -> None:
    """The memory of all bodies together is bounded."""
    server = handler.server
    with server.lock:
        if server.held + size <= server.held_bytes:
            server.held += size
            handler.size += size
            return
    raise Refused(503, "Busy", "there are too many large requests at once")


def _too_large(most: int) -> Refused:
    return Refused(413, "TooLarge", f"a request may have {most >> 20} MB")


def _unpacked(body: bytes, encoding: str, most: int) -> bytes:
    if encoding not in ("gzip", "deflate"):
        raise Refused(415, "UnsupportedEncoding", "a body may be gzip, deflate or as it is")
    work = zlib.decompressobj(31 if encoding == "gzip" else 15)
    try:
        plain = work.decompress(body, most + 1)
    except zlib.error:
        raise Refused(400, "BadRequest", "the body is not what its encoding says") from None
    if len(plain) > most or work.unconsumed_tail:
        raise Refused(413, "TooLarge", f"a request may have {most >> 20} MB when unpacked")
    if not work.eof:
        raise Refused(400, "BadRequest", "the body is cut off")
    return plain
