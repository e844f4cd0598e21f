"""The program of a package, on its own: callers good and bad, workers that die or hang, its end."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from zaffre.runtime import serve_package

RUNTIME = Path(serve_package.__file__).parent
SCRIPT = """
import json, os, time
def init():
    if os.path.exists(os.path.join(os.environ["AZUREML_MODEL_DIR"], "broken")):
        raise OSError("the weights are broken")
def run(data):
    asked = json.loads(data)
    if isinstance(asked, dict) and "sleep" in asked:
        time.sleep(asked["sleep"])
    if asked == "exit":
        os._exit(7)
    if asked == "raise":
        raise ValueError("secret path " + __file__)
    if asked == "key":
        return sorted(key for key in os.environ if "KEY" in key)
    return {"asked": asked, "by": os.environ["BY"], "pid": os.getpid()}
"""


CHUNKED = b"POST /score HTTP/1.1\r\nAuthorization: Bearer s3cret\r\nTransfer-Encoding: chunked\r\n\r\n"


@dataclass
class Running:
    process: subprocess.Popen[str]
    port: int
    log: Path
    key: str | None = None

    def ask(self, path: str, body: Any = None, method: str = "", **headers: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        sent = {key.replace("_", "-"): value for key, value in headers.items()}
        if self.key:
            sent.setdefault("Authorization", f"Bearer {self.key}")
        if content is not None:
            sent.setdefault("Content-Type", "application/json")
        connection.request(method or ("GET" if body is None else "POST"), path, content, sent)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text) if text else None

    def text(self, path: str) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", path, headers={"Authorization": f"Bearer {self.key}"})
        text = connection.getresponse().read().decode()
        connection.close()
        return text

    def raw(self, content: bytes, seconds: float = 5.0) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as sock:
            answer = b""
            with contextlib.suppress(OSError):
                sock.sendall(content)
                while piece := sock.recv(65536):
                    answer += piece
                    if b"\r\n\r\n" in answer and b"connection: close" not in answer.lower():
                        break
            return answer


def made(folder: Path, **more: Any) -> Path:
    """A package by hand."""
    (folder / "serve").mkdir(parents=True)
    for name in ("serve_package.py", "score_worker.py"):
        shutil.copy(RUNTIME / name, folder / "serve")
    for name in ("zaffre_package", "zaffre_scoring"):
        shutil.copytree(RUNTIME / name, folder / "serve" / name)
    for name, text in (("code/score.py", SCRIPT), ("model/weights.json", "{}")):
        (folder / name).parent.mkdir()
        (folder / name).write_text(text)
    limits = {"body_bytes": 1 << 20, "timeout_s": 2, "queue": 4, **more.pop("limits", {})}
    package = {"format": 1, "name": "risk", "version": "3", "python": "3.11", "kind": "script", "script": "score.py",
               "model": "model/weights.json", "variables": {"BY": "me"}, "concurrency": 1, "batch": 1, "workers": 1,
               "limits": limits, "notes": [], **more}  # fmt: skip
    (folder / "package.json").write_text(json.dumps(package))
    return folder


@contextlib.contextmanager
def serving(
    folder: Path, *words: str, key: str | None = None, environ: dict[str, str] | None = None
) -> Iterator[Running]:
    log = folder / "log"
    told = {"ZAFFRE_SCORING_KEY": key} if key else {}
    with open(log, "w") as output:
        process = subprocess.Popen(
            [sys.executable, "serve/serve_package.py", "--port", "0", *words],
            cwd=folder, stdout=output, stderr=subprocess.STDOUT, text=True,
            env={"PATH": os.environ["PATH"], **told, **(environ or {})},
        )  # fmt: skip
    try:
        end = time.monotonic() + 60
        while not (found := re.search(r"at http://\S+:(\d+)/score", log.read_text())):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end
            time.sleep(0.02)
        running = Running(process, int(found[1]), log, key)
        while running.ask("/")[0] != 200:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end
            time.sleep(0.02)
        yield running
    finally:
        process.terminate()  # it ends its workers, which a kill would leave behind
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(made(tmp_path_factory.mktemp("package") / "p"), key="s3cret") as found:
        yield found


def test_it_scores_and_says_how_it_is(running: Running) -> None:
    assert running.ask("/score", {"a": [1]})[1]["asked"] == {"a": [1]}
    assert running.ask("/score", gzip.compress(b'"packed"'), Content_Encoding="gzip")[1]["asked"] == "packed"
    assert running.ask("/score?x=1&x=2")[1]["asked"] == {"x": [1, 2]}
    for path in ("/", "/health", "/ping", "/v2/health/ready", "/v2/health/live"):
        assert running.ask(path)[0] == 200
    told = running.ask("/swagger.json")[1]
    assert (told["swagger"], told["info"]["title"], "/score" in told["paths"]) == ("2.0", "Scoring endpoint risk", True)
    assert running.ask("/openapi.json")[1]["openapi"].startswith("3.")


def test_one_connection_takes_many_requests(running: Running) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    began = time.monotonic()
    for number in range(100):
        connection.request(
            "POST", "/score", str(number), {"Authorization": "Bearer s3cret", "X-Request-Id": f"n{number}"}
        )
        answer = connection.getresponse()
        assert answer.headers["x-request-id"] == f"n{number}"
        assert json.loads(answer.read())["asked"] == number
    assert time.monotonic() - began < 3, "as if every answer came in two pieces"


def test_strangers_learn_nothing(running: Running) -> None:
    for authorization in ("", "Bearer", "Bearer wrong", "Basic s3cret", "Bearer s3cret2", "Bearer \xff"):
        for path in ("/score", "/swagger.json", "/v2/models/risk", "/none"):
            status, told = running.ask(path, [1], Authorization=authorization)
            assert (status, told["error"]["code"]) == (401, "Unauthorized")
    assert running.ask("/", Authorization="")[1] == {"status": "Healthy"}
    assert running.ask("/score", "key")[1] == [], "the worker sees the key"
    assert "s3cret" not in running.log.read_text()


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"GARBAGE\r\n\r\n", 400),
        (b"GET / HTTP/9.9.9\r\n\r\n", 400),
        (CHUNKED + b"1\r\n1\r\n0\r\n\r\n", 200),
        (CHUNKED + b"1;name=\"x\"\r\n1\r\n0001\r\n2\r\n0\r\nTrailer: x\r\n\r\n", 200),
        (CHUNKED + b"1\n1\r\n0\r\n\r\n", 400),
        (CHUNKED + b"1\r\n11\r\n0\r\n\r\n", 400),
        (CHUNKED + b"-1\r\n1\r\n0\r\n\r\n", 400),
        (CHUNKED + b"0x1\r\n1\r\n0\r\n\r\n", 400),
        (CHUNKED + b"1" * 2000 + b"\r\n1\r\n0\r\n\r\n", 400),
        (CHUNKED + b"1;" + b"x" * 2000 + b"\r\n1\r\n0\r\n\r\n", 400),
        (CHUNKED + b"0\r\n" + b"Trailer: x\r\n" * 690 + b"\r\n", 400),
        (CHUNKED + b"100001\r\n1", 413),
        (CHUNKED + b"fffffffff\r\n1", 400),
        (CHUNKED + (b"8000\r\n" + b"1" * 0x8000 + b"\r\n") * 32 + b"1\r\n", 413),
        (CHUNKED.replace(b"chunked", b"gzip, chunked") + b"0\r\n\r\n", 501),
        (CHUNKED.replace(b"chunked", b"chunked\r\nTransfer-Encoding: chunked") + b"0\r\n\r\n", 501),
        (CHUNKED.replace(b"chunked", b"chunked\r\nContent-Length: 1") + b"0\r\n\r\n", 400),
        (CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0") + b"0\r\n\r\n", 400),
        (CHUNKED.replace(b"Encoding:", b"Encoding :") + b"1\r\n1\r\n0\r\n\r\n", 400),
        (CHUNKED.replace(b"Transfer", b"no header\r\nTransfer") + b"1\r\n1\r\n0\r\n\r\n", 400),
        (CHUNKED.replace(b"s3cret", b"wrong") + b"8000\r\n" + b"1" * 0x8000 + b"\r\n0\r\n\r\n", 401),
        (CHUNKED.replace(b"s3cret", b"wrong") + b"x\r\n", 401),
        (b"POST /score HTTP/1.1\r\nAuthorization: Bearer s3cret\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n11", 400),
        (b"POST /score HTTP/1.1\r\nAuthorization: Bearer s3cret\r\nContent-Length: -1\r\n\r\n1", 400),
        (b"POST /score HTTP/1.1\r\nAuthorization: Bearer s3cret\r\nContent-Length: 1048577\r\n\r\n1", 413),
        (b"POST /score HTTP/1.1\r\nContent-Length: 99999999999999\r\n\r\n" + b"1" * 70_000, 401),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n", 431),
        (b"BREW /score HTTP/1.1\r\n\r\n", 501),
    ],
)  # fmt: skip
def test_sec_18_what_is_no_request_is_answered(running: Running, content: bytes, status: int) -> None:
    answer = running.raw(content)
    assert f" {status} ".encode() in answer.split(b"\r\n")[0], answer[:300]
    for word in (b"Traceback", b".py", b"/tmp"):
        assert word not in answer
    assert running.ask("/score", 1)[0] == 200


def test_who_asks_before_sending_a_body_is_told_to_go_on(running: Running) -> None:
    with socket.create_connection(("127.0.0.1", running.port), timeout=25) as sock:
        head = b"Authorization: Bearer s3cret\r\nContent-Length: 1\r\nExpect: 100-continue\r\nConnection: close\r\n"
        sock.sendall(b"POST /score HTTP/1.1\r\n" + head + b"\r\n")
        assert sock.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"1")
        answer = b""
        while piece := sock.recv(1000):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_bodies_in_chunks(running: Running) -> None:
    body = json.dumps({"x": "y" * 300_000}).encode()
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    for size in (100, 70_000, 1_000_000):
        pieces = (body[at : at + size] for at in range(0, len(body), size))
        connection.request("POST", "/score", pieces, {"Authorization": "Bearer s3cret"}, encode_chunked=True)
        assert json.loads(connection.getresponse().read())["asked"] == {"x": "y" * 300_000}
    packed = iter([gzip.compress(b'"packed"')])
    connection.request("POST", "/score", packed, {"Authorization": "Bearer s3cret", "Content-Encoding": "gzip"})
    assert json.loads(connection.getresponse().read())["asked"] == "packed"
    connection.close()


def test_prometheus_reads_what_it_did(tmp_path: Path) -> None:
    with serving(made(tmp_path / "p", limits={"timeout_s": 3}), key="s3cret") as running:
        for body in (1, 2, "raise", {"sleep": 30}):
            running.ask("/score", body)
        running.ask("/none")  # nothing that the model was asked
        text = running.text("/metrics")
        labels = 'workspace="package",endpoint="risk",deployment="risk"'
        counted = [line.rpartition("} ")[2] for line in text.splitlines() if line.startswith("zaffre_requests_total{")]
        assert [f'zaffre_requests_total{{{labels},code="{code}"}}' in text for code in (200, 500, 504)] == [True] * 3
        assert counted == ["2", "1", "1"]
        assert f"zaffre_request_errors_total{{{labels}}} 2" in text
        assert f"zaffre_request_timeouts_total{{{labels}}} 1" in text
        assert f"zaffre_request_duration_seconds_count{{{labels}}} 4" in text
        assert f"zaffre_workers{{{labels}}} 1" in text
        assert running.ask("/metrics", Authorization="Bearer wrong")[0] == 401


def test_bad_bodies_and_a_bad_run(running: Running) -> None:
    assert running.ask("/score", gzip.compress(b"0" * (2 << 20)), Content_Encoding="gzip")[0] == 413
    assert running.ask("/score", b"no gzip", Content_Encoding="gzip")[0] == 400
    assert running.ask("/score", b"1", Content_Encoding="br")[0] == 415
    assert running.ask("/score", b"\xff\xfe")[1]["error"]["code"] == "BadInput"
    status, told = running.ask("/score", "raise")
    assert (status, told["error"]["code"]) == (500, "ModelFailed")
    assert "secret" not in json.dumps(told)
    assert running.ask("/score", 1, method="PUT")[0] == 405
    assert running.ask("/v2/models/other/infer", {"inputs": []})[0] == 404


@pytest.mark.slow
def test_sec_18_a_slow_caller_is_let_go(running: Running) -> None:
    with socket.create_connection(("127.0.0.1", running.port), timeout=25) as sock:
        sock.sendall(b"POST /score HTTP/1.1\r\nAuthorization: Bearer s3cret\r\nContent-Length: 100\r\n\r\n1")
        began = time.monotonic()
        while sock.recv(1000):
            pass
        assert 10 < time.monotonic() - began < 20


def test_a_worker_that_dies_or_hangs_is_replaced(tmp_path: Path) -> None:
    with serving(made(tmp_path / "p", limits={"timeout_s": 0.3})) as running:
        first = running.ask("/score", 1)[1]["pid"]
        assert running.ask("/score", "exit")[1]["error"]["code"] == "WorkerDied"
        second = until_scored(running, first)
        codes = [running.ask("/score", {"sleep": 30})[1]["error"]["code"] for _ in range(3)]
        assert set(codes) == {"Timeout"}
        assert until_scored(running, second) != first
        assert "does not answer: it is ended" in running.log.read_text()


def until_scored(running: Running, former: int) -> int:
    end = time.monotonic() + 10
    while True:
        status, told = running.ask("/score", 1)
        if status == 200 and told["pid"] != former:
            return int(told["pid"])
        assert status in (503, 502, 200, 504)
        assert time.monotonic() < end, running.log.read_text()
        time.sleep(0.05)


def test_a_full_queue_says_when_to_come_back(tmp_path: Path) -> None:
    with serving(made(tmp_path / "p", limits={"queue": 2, "timeout_s": 10})) as running:
        seen: list[int] = []
        callers = [
            threading.Thread(target=lambda: seen.append(running.ask("/score", {"sleep": 0.5})[0])) for _ in range(6)
        ]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        assert sorted(set(seen)) == [200, 429]
        assert seen.count(200) == 2


def test_asked_to_end_it_answers_what_it_began(tmp_path: Path) -> None:
    with serving(made(tmp_path / "p", limits={"timeout_s": 10}), "--workers", "2") as running:
        seen: list[Any] = []
        callers = [threading.Thread(target=lambda: seen.append(running.ask("/score", {"sleep": 1}))) for _ in range(2)]
        end = time.monotonic() + 10
        while len({running.ask("/score", 1)[1]["pid"] for _ in range(4)}) < 2:
            assert time.monotonic() < end
            time.sleep(0.02)
        for caller in callers:
            caller.start()
        time.sleep(0.4)
        running.process.send_signal(signal.SIGTERM)
        for caller in callers:
            caller.join()
        assert running.process.wait(10) == 0
        assert [status for status, _ in seen] == [200, 200]
        assert len({told["pid"] for _, told in seen}) == 2
        for _, told in seen:
            assert not Path(f"/proc/{told['pid']}").exists()


def gone(pid: int) -> None:
    """Ended, or a zombie that nobody waits for."""
    end = time.monotonic() + 60
    while True:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return
        except OSError:
            return
        assert time.monotonic() < end, "it lives on"
        time.sleep(0.05)


def test_workers_end_with_a_program_that_is_killed(tmp_path: Path) -> None:
    with serving(made(tmp_path / "p"), "--workers", "2") as running:
        workers: set[int] = set()
        end = time.monotonic() + 60
        while len(workers) < 2:
            workers.add(running.ask("/score", 1)[1]["pid"])
            assert time.monotonic() < end
        running.process.kill()
        running.process.wait()
        for worker in workers:
            gone(worker)


STARTER = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], str(os.getpid())], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
child.wait()
"""
CHILD = """
import ctypes, sys, time
ctypes.CDLL = lambda _name: object()
from zaffre.runtime.zaffre_scoring import parent
parent.end_with(int(sys.argv[1]))
print("watches", flush=True)
time.sleep(600)
"""


def test_where_the_kernel_does_not_end_them_they_look() -> None:
    starter = subprocess.Popen([sys.executable, "-c", STARTER, CHILD], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    with starter.stdout as said:
        child = int(said.readline())
    os.kill(child, 0)
    starter.kill()
    starter.wait()
    gone(child)


def test_sec_11_elsewhere_than_on_loopback_it_wants_a_key(tmp_path: Path) -> None:
    folder = made(tmp_path / "p")
    done = subprocess.run(
        [sys.executable, "serve/serve_package.py", "--host", "0.0.0.0", "--port", "0"],
        cwd=folder, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]}, timeout=20,
    )  # fmt: skip
    assert done.returncode == 64
    assert "ZAFFRE_SCORING_KEY" in done.stderr
    (tmp_path / "key").write_text("of a file\n")
    with serving(folder, "--host", "0.0.0.0", environ={"ZAFFRE_SCORING_KEY_FILE": str(tmp_path / "key")}) as running:
        assert running.ask("/score", 1)[0] == 401
        assert running.ask("/score", 1, Authorization="Bearer of a file")[0] == 200


def test_without_a_key_pages_of_a_browser_are_refused(tmp_path: Path) -> None:
    with serving(made(tmp_path / "p")) as running:
        assert running.ask("/score", 1)[0] == 200
        assert running.ask("/score", 1, Origin="http://localhost:3000")[0] == 200
        assert running.ask("/score", 1, Origin="https://evil.example")[0] == 403
        assert running.ask("/score", 1, Origin="null")[0] == 403
        assert running.ask("/score", 1, Host="evil.example")[0] == 403


def test_a_model_that_does_not_load_ends_it_with_the_cause(tmp_path: Path) -> None:
    folder = made(tmp_path / "p")
    (folder / "model/broken").touch()
    done = subprocess.run(
        [sys.executable, "serve/serve_package.py", "--port", "0"],
        cwd=folder, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]}, timeout=20,
    )  # fmt: skip
    assert done.returncode == 66
    assert "init() failed: OSError: the weights are broken" in done.stderr
    (folder / "code/score.py").write_text("import nothing_of_this_name\n")
    done = subprocess.run(
        [sys.executable, "serve/serve_package.py", "--port", "0"],
        cwd=folder, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]}, timeout=20,
    )  # fmt: skip
    assert done.returncode == 65
