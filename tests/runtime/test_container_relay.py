"""The way into a container's own loopback, without an engine: namespaces as a rootless one makes them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from zaffre.runtime import run_container

SERVER = """
import array, fcntl, http.server, socket, struct, sys
with socket.socket() as sock:  # a new network has its loopback down; engines bring it up
    fcntl.ioctl(sock, 0x8914, struct.pack("16sh22x", b"lo", 1))

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    count = 0

    def do_POST(self):
        type(self).count += 1
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if body == b"die":  # in the middle of it
            self.close_connection = True
            return
        answer = b"%d %s %s %s" % (self.count, self.path.encode(), body, str(self.client_address[1]).encode())
        self.send_response(503 if body == b"busy" else 200)
        self.send_header("Content-Length", str(len(answer)))
        self.send_header("X-Kept", "yes")
        self.send_header("Set-Cookie", "a=b")
        self.end_headers()
        if body == b"cut":
            self.wfile.write(answer[:2])
            self.close_connection = True
            return
        self.wfile.write(answer)
        if body == b"idle":  # closed after the answer, without a word: the next request meets a dead connection
            self.close_connection = True

    def do_GET(self):
        self.send_response(204 if self.path == "/ok" else 500)
        self.send_header("Content-Length", "0")
        self.end_headers()

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""
ASK = """
import json, os, socket, sys, time
sys.path.insert(0, sys.argv[1])
from zaffre_container.connect import Connector
from zaffre_container.relay import Relay, healthy
from zaffre_scoring import frames
from zaffre_scoring.values import BadInput
pid, port = int(sys.argv[2]), int(sys.argv[3])
connector = Connector(pid)
route = {"path": "/v1/m:predict", "port": port}
relay = Relay(connector, {"scoring": route})

def ask(body, path="/score", kind=frames.HTTP):
    head = {"method": "POST", "path": path, "query": "a=1", "headers": [["host", "x"], ["content-length", "99"]]}
    try:
        answer = relay.score(kind, frames.with_head(head, body) if kind == frames.HTTP else body)
    except BadInput as error:
        return [400, str(error)]
    return [answer.status, answer.body.decode(), dict((k.lower(), v) for k, v in answer.headers)]

told = {"namespaces": os.readlink("/proc/self/ns/net") != os.readlink("/proc/%d/ns/net" % pid)}
told["answers"] = [ask(body.encode()) for body in ("one", "busy", "idle")]
time.sleep(0.5)
told["answers"] += [ask(body.encode()) for body in ("after", "cut", "last", "die", "next")]
relay.mine.connection.sock.shutdown(socket.SHUT_WR)  # nothing can be sent on it
told["unsent"] = ask(b"unsent")
told["copy"] = ask(b"{}", kind=frames.SCORE)
told["refused"] = [ask(b"", path) for path in ("/live", "/v1/m:predict-x", "/v1/m:predict/../x", "/v1/m:predict/%2e%2e/x")]
told["below"] = ask(b"x", "/v1/m:predict/more")
told["healthy"] = [healthy(connector, {"path": path, "port": port}, 5) for path in ("/ok", "/no")]
told["closed"] = healthy(connector, {"path": "/ok", "port": 1}, 5)
print(json.dumps(told))
"""


@pytest.fixture
def inside() -> Iterator[tuple[int, int]]:
    """Process and port of a server in a network (and as a user) of its own."""
    place = shutil.which("unshare")
    words = [str(place), "--user", "--map-root-user", "--net", "--"]
    if place is None or subprocess.run([*words, "true"], capture_output=True, check=False).returncode:
        if os.environ.get("ZAFFRE_REQUIRE_PODMAN") == "1":
            pytest.fail("no namespaces can be made here")
        pytest.skip("no namespaces can be made here")
    with subprocess.Popen([*words, sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.pid, int(process.stdout.readline())
        finally:
            process.kill()


def test_a_server_in_a_network_of_its_own_is_reached(inside: tuple[int, int]) -> None:
    runtime = str(Path(run_container.__file__).parent)
    done = subprocess.run(
        [sys.executable, "-c", ASK, runtime, *map(str, inside)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert told["namespaces"], "the server is in another network"
    one, _, idle, after, cut, last, died, following = told["answers"]
    assert [answer[0] for answer in told["answers"]] == [200, 503, 200, 200, 502, 200, 502, 200]
    assert one[1].split()[:3] == ["1", "/v1/m:predict?a=1", "one"]
    assert one[2] == {"x-kept": "yes"}
    assert one[1].split()[3] == idle[1].split()[3], "the connection is kept"
    assert idle[1].split()[3] != after[1].split()[3]
    assert after[1].split()[0] == "4", "a connection that the server closed is not used again"
    assert "ContainerFailed" in cut[1]
    assert last[1].split()[0] == "6"
    assert "ContainerFailed" in died[1]
    assert following[1].split()[0] == "8", "what the server may have handled is not sent again"
    assert told["unsent"][1].split()[:3] == ["9", "/v1/m:predict?a=1", "unsent"], "what was not sent is, once"
    assert told["copy"][1].split()[1:3] == ["/v1/m:predict", "{}"]
    assert [answer[0] for answer in told["refused"]] == [400, 400, 400, 400]
    assert told["below"][1].split()[1] == "/v1/m:predict/more?a=1"
    assert told["healthy"] == [None, "status 500"]
    assert "refused" in told["closed"]
