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
LINGER_S = 2.0  # so long a caller that was refused may go on sending: it reads the answer only then
UNREAD_S = 30.0  # and so long an answer may lie without the caller taking any of it
STRANGER_BYTES = 64 << 10  # of a body that are taken before its key is looked at
PIPELINED = 16  # requests that may be sent ahead on one connection
HEADERS = 100
ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
PREFIX = secrets.token_hex(6).encode()
NUMBERS = itertools.count(1)
ONCE = (b"content-length", b"transfer-encoding", b"authorization", b"host", b"content-encoding")
OFFER = (b"upgrade", b"http2-settings")
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
        self.half = False  # the caller sends nothing more, and waits for its answers
        self.refused: Refused | None = None  # what follows the requests before it
        self.taken = 0  # bytes of the request that is being answered
        self.left = 0  # bytes that were not read by the caller when we looked last
        self._reset()

    def _reset(self) -> None:
        self.url = b""
        self.headers: dict[bytes, bytes] = {}
        self.pieces: list[bytes] = []
        self.size = self.head_size = 0
        self.began = 0.0  # 0: no request is coming in
        self.in_body = False
        self.known = False  # its key was looked at

    # --- asyncio ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.deadline = time.monotonic() + HEAD_S
        self.routes.fronts.add(self)

    def connection_lost(self, _error: Exception | None) -> None:
        self.routes.fronts.discard(self)
        self.transport, self.closing = None, True
        self._forget()

    def eof_received(self) -> bool:
        self.half = True
        return self.busy or bool(self.ahead)

    def pause_writing(self) -> None:
        self.unwritten = True

    def resume_writing(self) -> None:
        self.unwritten = False
        self._next()

    def data_received(self, data: bytes) -> None:
        while data and not self.closing:
            data = self._feed(data)

    def _feed(self, data: bytes) -> bytes:
        """What is to be read once more."""
        try:
            self.parser.feed_data(data)
        except Refused as refused:
            self._refuse(refused)
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__
            known = isinstance(cause, Refused)
            self._refuse(cause if known else Refused(400, "BadRequest", "the request is not HTTP/1.1"))  # type: ignore[arg-type]
        except httptools.HttpParserUpgrade as offer:
            return self._decline(data[offer.args[0] :])
        except httptools.HttpParserError:
            self._refuse(Refused(400, "BadRequest", "the request is not HTTP/1.1"))
        return b""

    def _decline(self, rest: bytes) -> bytes:
        """Another protocol was offered, as Java's client does with each request: it is read as if it were not."""
        if self.parser.get_method() == b"CONNECT":
            self._refuse(Refused(405, "MethodNotAllowed", "this is no proxy"))
            return b""
        kept = [name + b": " + value for name, value in self.headers.items() if name not in OFFER]
        lines = [self.parser.get_method() + b" " + self.url + b" HTTP/1.1", *kept]
        self.parser = httptools.HttpRequestParser(self)
        return b"\r\n".join(lines) + b"\r\n\r\n" + rest

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
        if self.in_body:
            return  # a trailer says nothing that counts
        key = name.lower()
        if len(self.headers) >= HEADERS:
            raise Refused(431, "HeadersTooLarge", "there are too many headers")
        if key in self.headers and key in ONCE:
            raise Refused(400, "BadRequest", "a header is there twice")
        self.headers[key] = value or b""

    def _measure(self, size: int) -> None:
        self.head_size += size
        if self.head_size > SCORE_HEAD_BYTES:
            raise Refused(431, "HeadersTooLarge", f"the head of a request may have {SCORE_HEAD_BYTES >> 10} KB")

    def on_headers_complete(self) -> None:
        self.in_body = True
        length = self.headers.get(b"content-length")
        coding = self.headers.get(b"transfer-encoding")
        if length is not None and coding is not None:
            raise Refused(400, "BadRequest", "the length of the body is said twice")
        if coding is not None and coding.lower() != b"chunked":
            raise Refused(501, "UnsupportedEncoding", "a body may come in chunks, in no other transfer encoding")
        if length is not None and length.isdigit() and int(length) > SCORE_BYTES:
            raise Refused(413, "TooLarge", f"a request may have {SCORE_BYTES >> 20} MB")
        if self.headers.get(b"expect", b"").lower() == b"100-continue" and self.transport is not None:
            self._know()
            if not self.busy and not self.parser.should_upgrade():
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self.size += len(body)
        self.pool.held_bytes += len(body)
        if self.size > SCORE_BYTES:
            raise Refused(413, "TooLarge", f"a request may have {SCORE_BYTES >> 20} MB")
        if self.pool.held_bytes > SCORE_HELD_BYTES:
            raise Refused(503, "Busy", "there are too many large requests at once")
        if self.size > STRANGER_BYTES:
            self._know()
        self.pieces.append(body)
        if len(self.pieces) > 256:  # tiny chunks: one object each would cost more than what they carry
            self.pieces = [b"".join(self.pieces)]
        now = time.monotonic()
        if now - self.began > BODY_IDLE_S and self.size < (now - self.began - BODY_IDLE_S) * BODY_RATE:
            raise Refused(408, "TooSlow", "the body comes too slowly")
        if not self.busy:
            self.deadline = now + BODY_IDLE_S

    def _know(self) -> None:
        """Whoever has no key does not get to fill the memory, or have a body unpacked."""
        if not self.known and not self.routes.admits(self.url, self.headers):
            raise Refused(401, "Unauthorized", "no valid key came with the request")
        self.known = True

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return  # it comes again, without the offer
        body = self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)
        encoding = self.headers.get(b"content-encoding")
        if encoding is not None and encoding.lower() not in (b"identity", b""):
            self._know()
            body = _unpacked(body, encoding.lower())
        request = Request(self.parser.get_method(), self.url, self.headers, body, not self.parser.should_keep_alive())
        self.pool.held_bytes += len(body) - self.size  # they are held until it is answered
        self.pieces, self.size, self.began = [], 0, 0.0
        if self.busy or self.ahead or self.unwritten:
            self.ahead.append(request)
            if len(self.ahead) >= PIPELINED and not self.paused and self.transport is not None:
                self.paused = True
                self.transport.pause_reading()
        else:
            self._take(request)

    # --- answers ---

    def _take(self, request: Request) -> None:
        self.busy, self.deadline, self.taken = True, 0.0, len(request.body)
        self.routes.handle(self, request)

    def answer(self, content: bytes, close: bool) -> None:
        """The whole answer to the present request. Does nothing when the caller is gone."""
        self.busy = False
        self.pool.held_bytes -= self.taken
        self.taken = 0
        transport = self.transport
        if transport is None or self.closing:
            return None
        transport.write(content)
        if close or (self.half and not self.ahead):
            return self._close()
        self.deadline = time.monotonic() + KEEP_ALIVE_S
        if self.ahead:
            self.pool.loop.call_soon(self._next)
        elif self.refused is not None:
            self._refuse(self.refused)
        return None

    def _next(self) -> None:
        if self.busy or self.unwritten or not self.ahead or self.closing:
            return
        self._take(self.ahead.popleft())
        if self.paused and not self.ahead and self.transport is not None and self.refused is None:
            self.paused = False
            self.transport.resume_reading()

    # --- the end ---

    def _refuse(self, refused: Refused) -> None:
        """After the answers to what came before. What the caller still sends is read and thrown away for a moment."""
        transport = self.transport
        if transport is None:
            return None
        if self.busy or self.ahead:
            self.refused, self.paused = refused, True
            transport.pause_reading()
            return None
        self.closing = True
        self._forget()
        number = PREFIX + b"-%x" % next(NUMBERS)
        body = answers.error(refused.code, refused.message, number)
        transport.write(answers.whole(refused.status, body, number, close=True))
        if self.half or not transport.can_write_eof():
            return self._close()
        transport.write_eof()
        if self.paused:
            transport.resume_reading()
        self.deadline = time.monotonic() + LINGER_S
        return None

    def _close(self) -> None:
        self.closing = True
        self._forget()
        if self.transport is not None:
            self.deadline = time.monotonic() + UNREAD_S
            self.transport.close()

    def _forget(self) -> None:
        self.pool.held_bytes -= self.size + sum(len(request.body) for request in self.ahead)
        self.pieces, self.size = [], 0
        self.ahead.clear()

    def sweep(self, now: float) -> None:
        """End what came to a stop."""
        if self.transport is None or self.busy or not self.deadline or now <= self.deadline:
            return
        left = self.transport.get_write_buffer_size()
        if left and left != self.left:  # the caller reads, slowly
            self.left, self.deadline = left, now + UNREAD_S
        elif self.closing or left:
            self.closing = True
            self.transport.abort()
        elif self.began:
            self._refuse(Refused(408, "TooSlow", "the request did not come to its end"))
        else:
            self._close()


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
