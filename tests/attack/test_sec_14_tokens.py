"""SEC-14: tokens end, are never seen again, and cannot be planted."""

from __future__ import annotations

import time

from attacked_server import Server, until

from zaffre.api.auth import sign_job


def test_sec_14_the_token_of_a_job_ends_with_it(server: Server) -> None:
    job = server.submit("echo $ZAFFRE_TOKEN > outputs/t; sleep 600")
    file = server.artifacts(job) / "outputs" / "t"
    until(lambda: file.exists() and file.read_text().strip())
    token = file.read_text().strip()
    assert server.api("GET", f"/jobs/{job}", token=token).status_code == 200
    server.api("POST", f"/jobs/{job}/cancel", {})
    server.ended(job)
    began = time.monotonic()
    until(lambda: server.api("GET", f"/jobs/{job}", token=token).status_code == 401)
    assert time.monotonic() - began < 5
    assert server.mlflow("GET", f"mlflow/runs/get?run_id={job}", token=token).status_code == 401


def test_sec_14_a_token_made_for_another_job_or_workspace_is_wrong(server: Server) -> None:
    job, token = server.living_job()
    prefix, workspace, name, signature = token.split(".")
    forged = (
        ".".join((prefix, b"other".hex(), name, signature)),
        ".".join((prefix, workspace, b"other".hex(), signature)),
        ".".join((prefix, workspace, name, signature[:-1] + "0")),
        ".".join((prefix, workspace, name, "")),
        ".".join((prefix, "zz", "zz", signature)),
        sign_job(b"\0" * 32, "default", job),
        sign_job(b"", "default", job),
    )
    for one in forged:
        if one != token:
            assert server.api("GET", "/jobs", token=one).status_code == 401, one


def test_sec_14_tokens_are_not_in_logs_or_the_database(server: Server) -> None:
    _, token = server.living_job()
    server.call("GET", f"/?token={server.token}", token=None)
    server.call("GET", "/api/nothing", token="wrong-token-canary")
    server.api("GET", "/jobs", token="wrong-token-canary")
    log = server.log.read_text()
    kept = b"".join(path.read_bytes() for path in server.home.glob("zaffre.db*"))
    for secret in (server.token, token, "wrong-token-canary"):
        assert secret not in log
        assert secret.encode() not in kept


def test_sec_14_a_wrong_token_is_not_made_a_cookie(server: Server) -> None:
    planted = server.call("GET", "/?token=of-the-attacker", token=None)
    assert "set-cookie" not in planted.headers
    right = server.call("GET", f"/?token={server.token}", token=None)
    cookie = right.headers["set-cookie"].lower()
    assert right.headers["location"] == "./"
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


def test_sec_14_nobody_is_sent_elsewhere(server: Server) -> None:
    for path in ("/mlflow/default", "//evil.example/", "/mlflow//evil.example", "/api/"):
        answer = server.call("GET", path, token=None, headers={"host": server.url.partition("//")[2]})
        assert answer.status_code in (400, 401, 404), path
        assert "location" not in answer.headers
    page = server.call("GET", "/?next=//evil.example", token=None)
    assert page.status_code == 200  # the page itself, whose scripts ask for a login
    assert not {"location", "refresh", "set-cookie"} & set(page.headers)
    assert "evil.example" not in page.text


def test_sec_14_tokens_do_not_count_in_addresses(server: Server) -> None:
    for path in (f"/api/status?token={server.token}", f"/api/status?access_token={server.token}"):
        assert server.call("GET", path, token=None).status_code == 401


def test_sec_14_addresses_of_parts_and_ranges_open_nothing_alone(server: Server) -> None:
    """They come with headers; who only sees the address, in a log or a history, has nothing."""
    job, token = server.living_job()
    folder = f"ExperimentRun/dcid.{job}"
    assert server.mlflow("PUT", f"mlflow-artifacts/artifacts/{folder}/f", token=token, content=b"x").status_code == 200
    made = server.mlflow("POST", f"mlflow-artifacts/mpu/create/{folder}", {"path": "g", "num_parts": 1}, token)
    read = server.mlflow("GET", f"mlflow-artifacts/presigned/{folder}/f", None, token)
    for answer, place in ((made, made.json()["credentials"][0]), (read, read.json())):
        assert answer.headers["cache-control"] == "no-store"
        assert place["headers"] == {"Authorization": f"Bearer {token}"}
        assert token not in place["url"]
        path = place["url"].removeprefix(server.url)
        for method in ("GET", "PUT"):
            for stranger in (None, "wrong"):
                assert server.call(method, path, {}, stranger).status_code == 401, (method, path)
    evil = {"host": "evil.example"}
    answer = server.mlflow("GET", f"mlflow-artifacts/presigned/{folder}/f", None, token, headers=evil)
    assert answer.status_code in (400, 403), "an address would name whatever host was asked for"
