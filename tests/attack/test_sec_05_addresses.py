"""SEC-05: what is fetched for somebody is never this machine or its network, unless the operator allows it."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest
from attacked_server import Server


@pytest.fixture(scope="module")
def inner() -> Iterator[tuple[int, list[str]]]:
    """A service on loopback that nobody outside should reach through us."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"INNER")

        do_HEAD = do_GET

        def log_message(self, *_words: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1], asked
    server.shutdown()


def test_sec_05_private_addresses(server: Server, inner: tuple[int, list[str]]) -> None:
    port, asked = inner
    hosts = (
        "127.0.0.1",
        "localhost",
        "[::1]",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "0.0.0.0",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
        "10.0.0.1",
        "192.168.0.1",
        "[fe80::1]",
    )
    for number, host in enumerate(hosts):
        name = f"inner{number}"
        made = server.api("POST", "/data", {"spec": {"name": name, "path": f"http://{host}:{port}/x"}})
        if made.status_code == 200:
            answer = server.api("GET", f"/data/{name}/download")
            assert answer.status_code in (400, 403, 404, 503), host
            assert b"INNER" not in answer.content
    assert asked == []


def test_sec_05_schemes(server: Server) -> None:
    for address in (
        "gopher://x/",
        "ftp://x/",
        "dict://x/",
        "ldap://x/",
        "jar:http://x!/",
        "memory://x",
        "zip://x::file:///etc",
    ):
        assert server.api("POST", "/data", {"spec": {"name": "scheme", "path": address}}).status_code == 400, address


def test_sec_05_files_of_the_server_are_the_owners(server: Server) -> None:
    """A path of the machine may be named by its owner, who may run any command; a job's token may not name one."""
    _, token = server.living_job()
    spec = {"name": "passwd", "path": "file:///etc/passwd"}
    assert server.api("POST", "/data", {"spec": spec}, token=token).status_code == 403
    job = {
        "type": "command",
        "command": "true",
        "environment": "azureml:python@latest",
        "inputs": {"x": {"type": "uri_file", "path": "file:///etc/passwd"}},
    }
    assert server.call("POST", "/api/workspaces/default/jobs:plan", {"spec": job}, token=token).status_code == 403
    assert server.api("POST", "/data", {"spec": spec}).status_code == 200
