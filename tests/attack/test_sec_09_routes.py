"""SEC-09, 10, 11, 13: every route of every door asks who is there; nothing runs for strangers or is open at first."""

from __future__ import annotations

import os
import re
import socket
import stat
from pathlib import Path

import pytest
from attacked_server import Server

from zaffre.core.permissions import ROLES, Permission, Role
from zaffre.mlflow.routes import table
from zaffre.wire.operation import Body
from zaffre.wire.table import OPERATIONS

OPEN = {("GET", "/api/health")}
REST = [(op.method, "/api" + op.path, op.permission) for op in OPERATIONS.values()]
MLFLOW = [(method, "/mlflow/{workspace}" + path, permission) for method, path, permission in table()]
STREAMS = {"/api" + op.path for op in OPERATIONS.values() if op.body is Body.EVENTS}
ROUTES = [(method, path, may) for method, path, may in REST + MLFLOW if (method, path) not in OPEN]


def filled(path: str, workspace: str, name: str) -> str:
    return re.sub(r"{\w+}", name, path.replace("{workspace}", workspace))


def test_sec_09_no_route_answers_a_stranger(server: Server) -> None:
    assert len(ROUTES) > 100
    more = [("GET", "/api/openapi.json", None)]
    for method, path, _ in [*ROUTES, *more]:
        for token in (
            None,
            "x",
            "",
            "zj1.64656661756c74.78." + "0" * 64,
            server.token[:-1],
            server.token.upper() + "x",
        ):
            headers = {} if token else {"authorization": "Bearer"}
            answer = server.call(method, filled(path, "default", "x"), {}, token or None, headers=headers)
            assert answer.status_code == 401, (method, path, token)


def test_sec_09_what_is_not_in_the_table_does_not_exist(server: Server) -> None:
    for path in (
        "/metrics",
        "/docs",
        "/redoc",
        "/openapi.json",
        "/static/x",
        "/api",
        "/mlflow",
        "/graphql",
        "/debug",
        "/api/workspaces/default/../../status",
        "//etc/passwd",
        "/.git/config",
        "/server.json",
        "/token",
    ):
        for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "HEAD", "PATCH"):
            assert server.call(method, path, token=None).status_code in (401, 404, 405), (method, path)


def test_sec_09_a_job_may_what_its_role_says(server: Server) -> None:
    job, token = server.living_job()
    allowed = ROLES[Role.JOB]
    for method, path, permission in ROUTES:
        if path in STREAMS or permission in allowed:
            continue
        answer = server.call(method, filled(path, "default", job), {}, token)
        assert answer.status_code == 403, (method, path)
    assert server.status(job) == "Running"


def test_sec_09_the_role_of_a_job_is_small(server: Server) -> None:
    job, token = server.living_job()
    for held in (
        Permission.JOBS_WRITE,
        Permission.SERVER_MANAGE,
        Permission.SERVER_READ,
        Permission.WORKSPACE_MANAGE,
        Permission.ASSETS_WRITE,
        Permission.RESOURCES_READ,
        Permission.RESOURCES_WRITE,
        Permission.CONTENT_WRITE,
    ):
        assert held not in ROLES[Role.JOB]
    spec = {"spec": {"type": "command", "command": "id", "environment": "azureml:python@latest"}}
    assert server.api("POST", "/jobs", spec, token).status_code == 403
    assert server.api("POST", f"/jobs/{job}/cancel", {}, token).status_code == 403
    assert server.call("POST", "/api/stop", {}, token).status_code == 403
    assert server.call("GET", "/api/workspaces", token=token).status_code == 403


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "", "0.0.0.0", "[::2]", "evil@127.0.0.1"],
)
def test_sec_10_other_hosts_are_refused(server: Server, host: str) -> None:
    """A page whose name was made to point at us (DNS rebinding) reaches nothing, even with the token."""
    for path in ("/api/status", "/api/workspaces/default/jobs", "/mlflow/default/version", "/", "/jobs/x"):
        assert server.call("GET", path, headers={"host": host}).status_code in (400, 403), path


def test_sec_10_no_job_from_another_site(server: Server) -> None:
    spec = {"spec": {"type": "command", "command": "id", "environment": "azureml:python@latest"}}
    cookie = {"cookie": f"zaffre_token={server.token}"}
    for headers in (
        {"origin": "https://evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"origin": "null"},
        {"sec-fetch-site": "same-site"},
    ):
        answer = server.api("POST", "/jobs", spec, None, headers=cookie | headers)
        assert answer.status_code == 403, headers


def test_sec_11_secrets_are_made_at_the_first_start(server: Server, tmp_path: Path) -> None:
    assert len(server.token) == 64
    other = Server(tmp_path / "other")
    try:
        assert other.token != server.token
        assert (other.home / "key").read_bytes() != (server.home / "key").read_bytes()
        assert server.call("GET", "/api/status", token=other.token).status_code == 401
    finally:
        other.stop()


def test_sec_11_private_files(server: Server, tmp_path: Path) -> None:
    for name in ("key", "token", "server.json", "zaffre.db"):
        assert stat.S_IMODE((server.home / name).stat().st_mode) == 0o600, name
    loose = tmp_path / "loose"
    loose.mkdir(mode=0o755)  # somebody else made the home folder, and everybody may look into it
    os.chmod(loose, 0o755)
    other = Server(loose)
    try:
        for path in loose.iterdir():
            if path.name not in ("engine.lock", "start.lock", "server.log"):
                assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path.name
    finally:
        other.stop()


def test_sec_11_listens_on_loopback_only(server: Server) -> None:
    port = int(server.url.rsplit(":", 1)[1])
    outside = [info[4][0] for info in socket.getaddrinfo(socket.gethostname(), port, socket.AF_INET)]
    for address in outside:
        if not str(address).startswith("127."):
            with pytest.raises((ConnectionError, TimeoutError)):
                socket.create_connection((str(address), port), timeout=1)
