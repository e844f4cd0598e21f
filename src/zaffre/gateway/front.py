"""HTTP/1.1 towards callers: one object per connection, made for many small requests.

A protocol on the parser itself, without a framework between: at thousands of requests a second each layer counts.
Requests of one connection are answered one after the other, in their order.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import secrets
import time
import zlib
from collections import deque
from typing import TYPE_CHECKING, Any, cast

import httptools

from zaffre.base.limits import SCORE_BYTES, SCORE_HEAD_BYTES, SCORE_HELD_BYTES
from zaffre.gateway import answers

if TYPE_CHECKING:
    from zaffre.gateway.routes import Routes

HEAD_S = 15.0  # a request's head must be here this long after its first byte
BODY_IDLE_S = 15.0  # and the next piece of its body so long after the last
BODY_RATE = 1024  # bytes a second that a body must come with on the average, after BODY_IDLE_S
KEEP_ALIVE_S = 75.0
PIPELINED = 16  # requests that may be sent ahead on one connection
HEADERS = 100
ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
PREFIX = secrets.token_hex(6).encode()
NUMBERS = itertools.count(1)
ID_HEADERS = (b"x-request-id", b"x-ms-client-request-id", b"x-ms-request-id")


class Request:
    """One request as it came. Header names are lower case."""

    __slots__ = ("body", "close", "headers", "id", "method", "url")

    def __init__(self, method: bytes, url: bytes, headers: dict[bytes, bytes], body: bytes, close: bool) -> None:
        self.method, self.url, self.headers, self.body, self.close = method, url, headers, body, close
        self.id = b""
        for name in ID_HEADERS:
            if (given := headers.get(name)) and ID.fullmatch(given):
                self.id = given
                return
        self.id = PREFIX + b"-%x" % next(NUMBERS)


class Refused(Exception):
    """The request cannot be taken; the connection ends."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Front(asyncio.Protocol):
    """The connection of a caller."""

    def __init__(self, routes: Routes) -> None:
        self.routes = routes
        self.pool = routes.pool
        self.parser = httptools.HttpRequestParser(self)
        self.transport: asyncio.Transport | None = None
        self.deadline = 0.0  # the connection is ended then, unless something happens; 0: never
        self.busy = False  # a request is being answered
        self.ahead: deque[Request] = deque()
        self.paused = False
        self.closing = False
        self.unwritten = False
        self._reset()

    def _reset(self) -> None:
        self.url = b""
        self.headers: dict[bytes, bytes] = {}
        self.pieces: list[bytes] = []
        self.size = self.head_size = 0
        self.began = 0.0
        self.in_body = False

    # --- asyncio ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.deadline = time.monotonic() + HEAD_S
        self.routes.fronts.add(self)

    def connection_lost(self, _error: Exception | None) -> None:
        self.routes.fronts.discard(self)
        self.pool.held_bytes -= self.size
        self.transport, self.closing = None, True
        self.pieces, self.size = [], 0
        self.ahead.clear()

    def pause_writing(self) -> None:
        self.unwritten = True

    def resume_writing(self) -> None:
        self.unwritten = False
        self._next()

    def data_received(self, data: bytes) -> None:
        if self.closing:
            return
        try:
            self.parser.feed_data(data)
        except Refused as refused:
            self._refuse(refused)
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__
            known = isinstance(cause, Refused)
            self._refuse(cause if known else Refused(400, "BadRequest", "the request is not HTTP/1.1"))  # type: ignore[arg-type]
        except httptools.HttpParserUpgrade:
            if self.transport is not None:  # the offer of another protocol is not taken up: the answer ends this one
                self.transport.pause_reading()
        except httptools.HttpParserError:
            self._refuse(Refused(400, "BadRequest", "the request is not HTTP/1.1"))

    # --- the parser ---

    def on_message_begin(self) -> None:
        self._reset()
        self.began = time.monotonic()
        if not self.busy:
            self.deadline = self.began + HEAD_S

    def on_url(self, url: bytes) -> None:
        self.url += url
        self._measure(len(url))

    def on_header(self, name: bytes, value: bytes | None) -> None:
        self._measure(len(name) + len(value or b"") + 4)
        key = name.lower()
        if len(self.headers) >= HEADERS:
            raise Refused(431, "HeadersTooLarge", "there are too many headers")
        if key in self.headers and key in (b"content-length", b"authorization", b"host"):
            raise Refused(400, "BadRequest", "a header is there twice")
        self.headers[key] = value or b""

    def _measure(self, size: int) -> None:
        self.head_size += size
        if self.head_size > SCORE_HEAD_BYTES:
            raise Refused(431, "HeadersTooLarge", f"the head of a request may have {SCORE_HEAD_BYTES >> 10} KB")

    def on_headers_complete(self) -> None:
        self.in_body = True
        length = self.headers.get(b"content-length")
        if length is not None and b"transfer-encoding" in self.headers:
            raise Refused(400, "BadRequest", "the length of the body is said twice")
        if length is not None and length.isdigit() and int(length) > SCORE_BYTES:
            raise Refused(413, "TooLarge", f"a request may have {SCORE_BYTES >> 20} MB")
        if self.headers.get(b"expect", b"").lower() == b"100-continue" and self.transport is not None:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self.size += len(body)
        self.pool.held_bytes += len(body)
        if self.size > SCORE_BYTES:
            raise Refused(413, "TooLarge", f"a request may have {SCORE_BYTES >> 20} MB")
        if self.pool.held_bytes > SCORE_HELD_BYTES:
            raise Refused(503, "Busy", "there are too many large requests at once")
        self.pieces.append(body)
        if len(self.pieces) > 256:  # tiny chunks: one object each would cost more than what they carry
            self.pieces = [b"".join(self.pieces)]
        now = time.monotonic()
        if now - self.began > BODY_IDLE_S and self.size < (now - self.began - BODY_IDLE_S) * BODY_RATE:
            raise Refused(408, "TooSlow", "the body comes too slowly")
        if not self.busy:
            self.deadline = now + BODY_IDLE_S

    def on_message_complete(self) -> None:
        body = self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)
        encoding = self.headers.get(b"content-encoding")
        if encoding is not None and encoding.lower() not in (b"identity", b""):
            body = _unpacked(body, encoding.lower())
        close = not self.parser.should_keep_alive() or self.parser.should_upgrade()
        request = Request(self.parser.get_method(), self.url, self.headers, body, close)
        self.pool.held_bytes -= self.size
        self.pieces, self.size = [], 0
        if self.busy:
            self.ahead.append(request)
            if len(self.ahead) >= PIPELINED and not self.paused and self.transport is not None:
                self.paused = True
                self.transport.pause_reading()
        else:
            self._take(request)

    # --- answers ---

    def _take(self, request: Request) -> None:
        self.busy, self.deadline = True, 0.0
        self.routes.handle(self, request)

    def answer(self, content: bytes, close: bool) -> None:
        """The whole answer to the present request. Does nothing when the caller is gone."""
        self.busy = False
        transport = self.transport
        if transport is None or self.closing:
            return
        transport.write(content)
        if close or self.routes.retiring:
            self.closing = True
            transport.close()
            return
        self.deadline = time.monotonic() + KEEP_ALIVE_S
        if self.ahead:
            self.pool.loop.call_soon(self._next)

    def _next(self) -> None:
        if self.busy or self.unwritten or not self.ahead or self.closing:
            return
        self._take(self.ahead.popleft())
        if self.paused and not self.ahead and self.transport is not None:
            self.paused = False
            self.transport.resume_reading()

    def _refuse(self, refused: Refused) -> None:
        self.closing = True
        self.pool.held_bytes -= self.size
        self.pieces, self.size = [], 0
        if self.transport is None:
            return
        if not self.busy:
            number = PREFIX + b"-%x" % next(NUMBERS)
            body = answers.error(refused.code, refused.message, number)
            self.transport.write(answers.whole(refused.status, body, number, close=True))
        self.transport.close()

    def sweep(self, now: float) -> None:
        """End what came to a stop."""
        if self.deadline and now > self.deadline and self.transport is not None and not self.busy:
            if self.began and (self.in_body or self.head_size):
                self._refuse(Refused(408, "TooSlow", "the request did not come to its end"))
            else:
                self.closing = True
                self.transport.close()


def _unpacked(body: bytes, encoding: bytes) -> bytes:
    if encoding not in (b"gzip", b"deflate"):
        raise Refused(415, "UnsupportedEncoding", "a body may be gzip, deflate or as it is")
    work: Any = zlib.decompressobj(31 if encoding == b"gzip" else 15)
    try:
        plain: bytes = work.decompress(body, SCORE_BYTES + 1)
    except zlib.error:
        raise Refused(400, "BadRequest", "the body is not what its encoding says") from None
    if len(plain) > SCORE_BYTES or work.unconsumed_tail:
        raise Refused(413, "TooLarge", f"a request may have {SCORE_BYTES >> 20} MB when unpacked")
    if not work.eof:
        raise Refused(400, "BadRequest", "the body is cut off")
    return plain
