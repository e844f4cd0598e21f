"""SEC-18: HTTP towards callers, byte by byte. Whatever comes, answers keep their order and the memory its bounds."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
import time
from typing import Any

import pytest
from live_endpoints import Place

RAW = """
from azureml.contrib.services.aml_request import rawhttp
from azureml.contrib.services.aml_response import AMLResponse
def init(): pass
@rawhttp
def run(request):
    status = int(request.args.get("status", 200))
    return AMLResponse("body", status, {"x-good": "a\\r\\nx-bad: b", "bad name: x": "y"})
"""
EXITING = """
import sys, json
def init(): pass
def run(data):
    if json.loads(data) == "exit": sys.exit(3)
    return "alive"
"""


@pytest.fixture(scope="module")
def echo(place: Place) -> Place:
    place.endpoint("front")
    place.deploy("front", "blue")
    return place


def request(place: Place, body: Any, *lines: str, endpoint: str = "front", **more: str) -> bytes:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    key = more.get("key", place.keys[endpoint])
    head = [f"{more.get('method', 'POST')} /endpoints/default/{endpoint}/{more.get('path', 'score')} HTTP/1.1",
            "Host: x", f"Authorization: Bearer {key}", *lines]  # fmt: skip
    if not any(line.lower().startswith(("content-length", "transfer-encoding")) for line in lines):
        head.append(f"Content-Length: {len(content)}")
    return "\r\n".join(head).encode() + b"\r\n\r\n" + content


def talk(place: Place, content: bytes, *, half: bool = False, endpoint: str = "front", until: bytes = b"") -> bytes:
    """Everything that comes back, until the gateway hangs up, says `until`, or is silent for a second."""
    with socket.create_connection(place.address(endpoint), timeout=10) as sock:
        with contextlib.suppress(OSError):
            sock.sendall(content)
        if half:
            sock.shutdown(socket.SHUT_WR)
        sock.settimeout(1.5)
        answer = b""
        with contextlib.suppress(TimeoutError):
            while piece := sock.recv(1 << 18):
                answer += piece
                if until and until in answer:
                    break
        return answer


def test_sec_18_requests_sent_ahead_are_answered_in_their_order(echo: Place) -> None:
    with socket.create_connection(echo.address("front"), timeout=20) as sock:
        first = b"".join(request(echo, {"n": n, "pad": "y" * 3_000_000}) for n in range(6))
        threading.Thread(target=sock.sendall, args=(first,), daemon=True).start()
        time.sleep(1.0)  # nothing is read meanwhile: answers must wait
        sock.sendall(b"".join(request(echo, {"n": n}) for n in range(6, 500)))
        answer = b""
        while answer.count(b'"by":"one"}') < 500:
            piece = sock.recv(1 << 18)
            assert piece
            answer += piece
    assert [int(n) for n in re.findall(rb'"n":(\d+)', answer)] == list(range(500))


def test_sec_18_what_came_before_nonsense_is_answered(echo: Place) -> None:
    answer = talk(echo, request(echo, {"sleep": 0.2}) + b"NONSENSE\r\n\r\n")
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200", b"400"]


def test_a_caller_that_has_closed_its_half_gets_its_answer(echo: Place) -> None:
    assert b'"sleep":0.2' in talk(echo, request(echo, {"sleep": 0.2}), half=True)


def test_an_offer_of_another_protocol_loses_no_body(echo: Place) -> None:
    offer = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__")
    answer = talk(echo, request(echo, {"n": 7}, *offer) * 1500)
    assert answer.count(b'"asked":{"n":7}') == 1500
    assert talk(echo, b"CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n")[9:12] == b"405"


def test_sec_18_a_body_that_is_too_large_gets_its_answer_while_it_is_sent(echo: Place) -> None:
    answer = talk(echo, request(echo, b"x" * (70 << 20)))
    assert answer[9:12] == b"413"


@pytest.mark.parametrize(
    ("body", "line"),
    [(b"1" * 1_000_000, "X-A: b"), (b"1" * 100, "Content-Encoding: gzip"), (b"", "Expect: 100-continue")],
    ids=["large", "packed", "expected"],
)
def test_sec_18_a_stranger_fills_no_memory_and_has_nothing_unpacked(echo: Place, body: bytes, line: str) -> None:
    length = f"Content-Length: {max(len(body), 50_000_000)}"  # it is not all sent: the head is enough to say no
    answer = talk(echo, request(echo, body, line, length if not line.endswith("gzip") else "X-B: c", key="wrong"))
    assert answer[9:12] == b"401"
    assert b"connection: close" in answer


def test_sec_18_framing_that_others_read_differently_is_refused(echo: Place) -> None:
    chunks = b"1\r\n1\r\n0\r\n\r\n"
    assert talk(echo, request(echo, chunks, "Transfer-Encoding: gzip, chunked"))[9:12] == b"501"
    for line in ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "Transfer-Encoding : chunked"):
        assert talk(echo, request(echo, chunks, line))[9:12] == b"400", line


def test_sec_14_a_key_in_a_trailer_is_none(echo: Place) -> None:
    chunks = f"1\r\n1\r\n0\r\nAuthorization: Bearer {echo.keys['front']}\r\n\r\n".encode()
    stranger = request(echo, chunks, "Transfer-Encoding: chunked", key="x").replace(b"Authorization", b"X-None", 1)
    assert talk(echo, stranger)[9:12] == b"401"


def test_answers_of_scripts_keep_to_http(place: Place) -> None:
    place.endpoint("bare")
    place.deploy("bare", "blue", RAW)
    plain = talk(place, request(place, b"1", endpoint="bare"))
    assert plain.endswith(b"body")
    assert b"\r\nx-bad" not in plain
    assert b"bad name" not in plain
    none = talk(place, request(place, b"1", endpoint="bare", path="score?status=204"))
    assert none[9:12] == b"204"
    assert none.endswith(b"\r\n\r\n")
    assert talk(place, request(place, b"1", endpoint="bare", path="score?status=99"))[9:12] == b"500"
    assert talk(place, request(place, b"", endpoint="bare", method="HEAD")).endswith(b"\r\n\r\n")


def test_half_a_character_goes_out_as_it_came_in(echo: Place) -> None:
    assert echo.post("front", b'"\\ud800"')[:2] == (200, {"asked": "\ud800", "by": "one"})


def test_a_script_that_exits_in_one_of_several_threads_costs_no_thread(place: Place) -> None:
    place.endpoint("exits")
    place.deploy("exits", "blue", EXITING, request_settings={"max_concurrent_requests_per_instance": 2})
    for _ in range(4):
        status, told, _ = place.post("exits", "exit")
        assert (status, told["error"]["code"]) == (500, "ModelFailed")
    assert place.post("exits", "go")[:2] == (200, "alive")
