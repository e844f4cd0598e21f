"""SEC-11, SEC-14, SEC-18, SEC-19: strangers at the scoring address. The gateway answers clearly, and lives."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import os
import socket
import stat
import time
from pathlib import Path
from typing import Any

import pytest
from live_endpoints import ECHO, Place

from zaffre.base.errors import InvalidRequest

SCHEMA_SCRIPT = """
import json
def init(): pass
def run(data):
    rows = json.loads(data)["data"]
    return [sum(row) for row in rows]
"""
TALKATIVE = ("/tmp", "/work", "Traceback", "File ", ".py", "127.0.0.1", "score.sock", "site-packages")


@pytest.fixture(scope="module")
def target(place: Place) -> Place:
    place.endpoint("target")
    place.deploy("target", "blue", SCHEMA_SCRIPT)
    return place


def ask(place: Place, content: bytes, seconds: float = 5.0) -> bytes:
    """Raw bytes to the gateway; what came back until it hung up or said no more."""
    with socket.create_connection(place.address("target"), timeout=seconds) as sock:
        with contextlib.suppress(OSError):  # it may hang up while we still send
            sock.sendall(content)
        answer = b""
        with contextlib.suppress(OSError):
            while piece := sock.recv(65536):
                answer += piece
                if b"\r\n\r\n" in answer and b"connection: close" not in answer.lower():
                    break
        return answer


def head(place: Place, *lines: str, path: str = "/endpoints/default/target/score") -> bytes:
    fixed = [f"POST {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {place.keys['target']}",
             "Content-Type: application/json", *lines]  # fmt: skip
    return "\r\n".join(fixed).encode() + b"\r\n\r\n"


def lives(place: Place) -> None:
    assert place.post("target", {"data": [[1, 2]]})[:2] == (200, [3])


def quiet(text: str) -> None:
    for word in TALKATIVE:
        assert word not in text, text


BODIES = {
    "empty": b"",
    "no json": b"{",
    "wrong types": b'{"data": [["a", {}]]}',
    "missing": b'{"rows": 1}',
    "nan": b'{"data": [[NaN, Infinity]]}',
    "long number": b'{"data": [[' + b"9" * 10_000_000 + b"]]}",
    "deep": b"[" * 200_000 + b"]" * 200_000,
    "not utf-8": b'{"data": "\xff\xfe"}',
    "huge batch": b'{"data": [' + b",".join([b"[1,2]"] * 200_000) + b"]}",
    "nul": b'{"data": "\x00"}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_sec_18_bad_bodies_are_answered_and_nothing_is_told(target: Place, body: bytes) -> None:
    status, told, _ = target.post("target", body)
    assert status in (200, 400, 413, 500, 504), status
    quiet(json.dumps(told)[:5000])
    lives(target)


def test_sec_18_sizes_and_forms_that_http_does_not_have(target: Place) -> None:
    cases: list[tuple[bytes, bytes]] = [
        (head(target, "Content-Length: 99999999999"), b"413"),
        (head(target, "Content-Length: -1"), b"400"),
        (head(target, "Content-Length: 5", "Content-Length: 6") + b"12345", b"400"),
        (head(target, "Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n", b"400"),
        (head(target, "Transfer-Encoding: chunked") + b"zz\r\n", b"400"),
        (head(target, "X-Long: " + "a" * 40_000), b"431"),
        (head(target, *[f"X-{i}: 1" for i in range(200)], "Content-Length: 2") + b"{}", b"431"),
        (b"NONSENSE\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20, b"400"),
        (head(target, "Content-Type: text/plain\r\nContent-Encoding: br", "Content-Length: 2") + b"{}", b"415"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", b"200"),
        (b"A" * 100_000, b"400"),
    ]
    for content, status in cases:
        answer = ask(target, content)
        assert answer[9:12] == status, (content[:200], answer[:300])
        assert answer.count(b"HTTP/1.1 ") == 1
        quiet(answer.decode("latin-1"))
    lives(target)


def test_sec_18_tiny_chunks_and_an_endless_body(target: Place) -> None:
    tiny = b"".join(b"1\r\n%c\r\n" % byte for byte in b'{"data": [[1, 2]]}') + b"0\r\n\r\n"
    answer = ask(target, head(target, "Transfer-Encoding: chunked") + tiny)
    assert answer.endswith(b"[3]"), answer
    many = (b"1\r\n \r\n" * 200_000) + b"0\r\n\r\n"
    assert ask(target, head(target, "Transfer-Encoding: chunked") + many, 20)[9:12] in (b"400", b"500")
    piece = b"10000\r\n" + b" " * 65536 + b"\r\n"
    endless = head(target, "Transfer-Encoding: chunked") + piece * 1100
    assert ask(target, endless, 20)[9:12] == b"413"
    lives(target)


def test_sec_18_a_bomb_is_unpacked_no_further_than_the_limit(target: Place) -> None:
    bomb = gzip.compress(b" " * (200 << 20), 9)
    answer = ask(target, head(target, "Content-Encoding: gzip", f"Content-Length: {len(bomb)}") + bomb, 20)
    assert answer[9:12] == b"413"
    packed = gzip.compress(b'{"data": [[1, 2]]}')
    answer = ask(target, head(target, "Content-Encoding: gzip", f"Content-Length: {len(packed)}") + packed)
    assert answer.endswith(b"[3]")
    cut = packed[:-6]
    answer = ask(target, head(target, "Content-Encoding: gzip", f"Content-Length: {len(cut)}") + cut)
    assert answer[9:12] == b"400"
    lives(target)


@pytest.mark.slow
def test_sec_18_slow_clients_are_let_go(target: Place) -> None:
    began = time.monotonic()
    waiting = [socket.create_connection(target.address("target")) for _ in range(50)]
    for sock in waiting:
        sock.sendall(b"POST /endpoints/default/target/score HTTP/1.1\r\nHost: x\r\n")
    lives(target)
    for sock in waiting:
        sock.settimeout(30)
        answer = sock.recv(4096)
        assert answer[9:12] == b"408" or not answer
        sock.close()
    assert time.monotonic() - began < 25
    lives(target)


def test_sec_14_whoever_has_no_key_learns_nothing(target: Place) -> None:
    connection = http.client.HTTPConnection(*target.address("target"))
    answers: list[tuple[int, Any]] = []
    for path in ("/endpoints/default/target/score", "/endpoints/default/nothing/score", "/endpoints/other/target/score",
                 "/metrics", "/endpoints/default/target/swagger.json", "/x", "/endpoints/default/target/metrics"):  # fmt: skip
        for header in ({}, {"Authorization": "Bearer "}, {"Authorization": "Bearer nonsense"},
                       {"Authorization": "Basic " + target.keys["target"]}):  # fmt: skip
            connection.request("POST", path, b"{}", {"Content-Type": "application/json", **header})
            answer = connection.getresponse()
            told = json.loads(answer.read())
            told["error"].pop("request_id")
            answers.append((answer.status, told))
    assert all(one == answers[0] for one in answers)
    assert answers[0][0] == 401
    connection.request("POST", f"/endpoints/default/target/score?key={target.keys['target']}", b"{}")
    assert connection.getresponse().status == 401
    connection.close()


def test_sec_14_keys_lie_nowhere_in_plain_text(target: Place) -> None:
    target.post("target", {"data": [[1, 2]]})
    time.sleep(1.0)
    key = target.keys["target"].encode()
    for path in [*target.home.glob("*.db*"), *(target.home / "serving").rglob("*")]:
        if path.is_file() and not path.is_symlink():
            assert key not in path.read_bytes(), path
    told = target.ws.online_endpoints.get("target").model_dump_json()
    assert key.decode() not in told


def test_sec_11_what_serving_leaves_on_the_disk_is_private(target: Place) -> None:
    serving = target.home / "serving"
    assert stat.S_IMODE(serving.stat().st_mode) == 0o700
    for name in ("routes.json", "gateway.sock"):
        assert stat.S_IMODE((serving / name).stat().st_mode) == 0o600
    for path in (serving / "s").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    prepared = serving / "default/target/blue/r1/prepared.json"
    assert stat.S_IMODE(prepared.stat().st_mode) == 0o600
    host, port = target.address("target")
    assert host == "127.0.0.1"
    listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    mine = [line[1] for line in listening if line[3] == "0A" and int(line[1].split(":")[1], 16) == port]
    assert [one.split(":")[0] for one in mine] == ["0100007F"]


def test_sec_18_a_worker_does_not_get_what_opens_the_server(target: Place) -> None:
    names = "import json, os\ndef init(): pass\ndef run(x): return dict(os.environ)"
    target.endpoint("curious")
    os.environ["CANARY_SECRET"] = "canary"
    target.deploy("curious", "blue", names)
    _, told, _ = target.post("curious", {})
    token = json.loads((target.home / "server.json").read_text())["token"]
    assert token not in json.dumps(told)
    assert "CANARY_SECRET" not in told
    headers = ECHO.replace("def run(data):", "def run(data, request_headers):").replace(
        '"by":', '"h": request_headers, "by":'
    )
    target.deploy("curious", "blue", headers)
    _, told, _ = target.post("curious", {})
    assert target.keys["curious"] not in json.dumps(told)


def test_sec_18_the_conda_file_of_a_model_is_read_warily(target: Place) -> None:
    target.endpoint("bombed")
    levels = zip("abcdefgh", "bcdefghi", strict=True)
    bomb = "a: &a [1, 2]\n" + "".join(f"{b}: &{b} [{', '.join(['*' + a] * 9)}]\n" for a, b in levels)
    for number, text in enumerate((bomb, "x: !!python/name:os.system", "{", "[" * 100_000)):
        folder = target.folder / f"bomb-{number}"
        folder.mkdir()
        (folder / "MLmodel").write_text("flavors: {python_function: {loader_module: mlflow.sklearn}}\n")
        (folder / "conda.yaml").write_text(text)
        spec = {"name": "blue", "endpoint_name": "bombed", "model": {"path": str(folder), "type": "mlflow_model"}}
        with pytest.raises(InvalidRequest, match="says nothing of its packages"):
            target.ws.online_deployments.begin_create_or_update(spec)


def test_sec_06_a_hostile_pickle_is_never_opened_by_the_server(target: Place) -> None:
    """A deployment of it comes up: only a script of its owner could open it, in the deployment's own process."""
    marker = target.folder / "pwned"
    folder = target.folder / "hostile"
    folder.mkdir()
    evil = f"cos\nsystem\n(S'touch {marker}'\ntR.".encode()
    (folder / "model.pkl").write_bytes(evil)
    (folder / "conda.yaml").write_bytes(evil)
    (folder / "MLmodel").write_text(
        "flavors: {python_function: {loader_module: mlflow.sklearn}}\nrun_id: !!python/name:x"
    )
    target.ws.models.create_or_update({"name": "hostile", "version": "1", "path": str(folder)})
    target.endpoint("pickled")
    target.deploy("pickled", "blue", model="azureml:hostile:1")
    assert target.post("pickled", {})[0] == 200
    assert not marker.exists()
