"""The head of an answer and its body leave in one piece; what is large or comes later is not held up."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from zaffre.app import one_write
from zaffre.app.one_write import OneWrite

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


class Transport:
    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.sent.append(bytes(data))

    def close(self) -> None:
        self.sent.append(b"closed")

    def is_closing(self) -> bool:
        return self.sent[-1:] == [b"closed"]


def _sent(*writes: Any) -> list[bytes]:
    """What leaves of these writes, None being the next round of the loop."""

    async def play() -> list[bytes]:
        below = Transport()
        above: Any = OneWrite(below, asyncio.get_running_loop())  # type: ignore[arg-type]
        for data in writes:
            if data is None:
                await asyncio.sleep(0)
            else:
                above.write(data)
        above.close()
        assert above.is_closing()
        return below.sent

    with ThreadPoolExecutor(1) as alone:  # a browser that other tests drive keeps a loop in this thread
        return alone.submit(asyncio.run, play()).result()


@pytest.mark.parametrize(
    ("writes", "sent"),
    [
        ((HEAD, b"{}"), [HEAD + b"{}"]),
        ((HEAD, memoryview(b"{}"), b"more"), [HEAD + b"{}", b"more"]),
        ((HEAD, None, b"{}"), [HEAD, b"{}"]),
        ((HEAD, b""), [HEAD]),
        ((HEAD,), [HEAD]),
        ((HEAD, HEAD), [HEAD + HEAD]),
        ((HEAD, b"x" * 20), [HEAD, b"x" * 20]),
        ((b"HTTP/1.1 " + b"x" * 20, b"{}"), [b"HTTP/1.1 " + b"x" * 20, b"{}"]),
        ((b"frame", HEAD, b"{}", HEAD, b"[]", None), [b"frame", HEAD + b"{}", HEAD + b"[]"]),
    ],
)
def test_what_leaves_together(writes: tuple[Any, ...], sent: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_write, "SMALL", 20)
    assert _sent(*writes) == [*sent, b"closed"]
