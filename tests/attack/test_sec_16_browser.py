"""SEC-16, 17: nothing that users store runs in a browser as ours, and no other page acts in our name."""

from __future__ import annotations

import pytest
from attacked_server import Server

SCRIPT = "<script>alert(1)</script>"


@pytest.mark.parametrize(
    "path",
    [
        "/api/health",
        "/api/status",
        "/api/nothing",
        "/api/workspaces/default/jobs",
        "/mlflow/default/version",
        "/mlflow/default/api/2.0/mlflow/experiments/search",
    ],
)
@pytest.mark.parametrize("token", ["", None])
def test_sec_16_headers_of_every_answer(server: Server, path: str, token: str | None) -> None:
    headers = server.call("GET", path, token=token).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["referrer-policy"] == "no-referrer"
    assert not headers.get("content-type", "").startswith("text/html")
    assert "server" not in headers


@pytest.mark.parametrize("path", ["/", "/jobs/x", "/jobs/%3Cscript%3E?workspace=%22%3E", "/nothing", "/boot.js"])
@pytest.mark.parametrize("token", ["", None])
def test_sec_16_pages_run_only_our_own_scripts(server: Server, path: str, token: str | None) -> None:
    answer = server.call("GET", path, token=token)
    policy = dict(item.strip().split(" ", 1) for item in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert "script-src" not in policy
    assert policy["object-src"] == policy["frame-ancestors"] == policy["form-action"] == "'none'"
    assert policy["base-uri"] == "'self'"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "<script>" not in answer.text.replace("<script src", "")


def test_sec_16_a_page_of_a_job_is_closed_off(server: Server) -> None:
    """HTML that a job wrote is shown, but has no origin: neither our cookie nor our API."""
    job = server.submit(f"echo '{SCRIPT}' > outputs/x.html; echo '{SCRIPT}' > outputs/x.svg")
    assert server.ended(job)["status"] == "Completed"
    shown = server.api("GET", f"/jobs/{job}/file?path=outputs/x.html&render=true")
    assert shown.headers["content-type"].startswith("text/html")
    policy = shown.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts;")
    assert "allow-same-origin" not in policy
    assert "connect-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    for path in (f"/jobs/{job}/file?path=outputs/x.html", f"/jobs/{job}/file?path=outputs/x.svg&render=true"):
        raw = server.api("GET", path)
        assert raw.headers["content-type"] == "application/octet-stream"
        assert raw.headers["content-disposition"].startswith("attachment")
        assert raw.headers["content-security-policy"].startswith("sandbox;")


def test_sec_16_scripts_as_artifacts_are_inert(server: Server) -> None:
    names = ("x.html", "x.svg", "x.xml", "x.js", "x.htm", "x.xhtml", "x.mht", "noending", "x.pdf")
    job = server.submit("; ".join(f"echo '{SCRIPT}' > outputs/{name}" for name in names))
    assert server.ended(job)["status"] == "Completed"
    for name in names:
        answer = server.mlflow("GET", f"mlflow-artifacts/artifacts/ExperimentRun/dcid.{job}/outputs/{name}")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("application/octet-stream"), name
        assert answer.headers["content-disposition"].startswith("attachment")
        assert "sandbox" in answer.headers["content-security-policy"]


def test_sec_16_texts_come_back_as_data(server: Server) -> None:
    job = server.submit(
        "printf '\\033]0;x\\007<script>\\n'",
        display_name=SCRIPT,
        description=SCRIPT,
        tags={"<b>": SCRIPT},
        experiment_name=SCRIPT,
    )
    server.ended(job)
    for path in (f"/jobs/{job}", f"/jobs/{job}/log", "/jobs", "/jobs/%3Cscript%3E", "/data?x=<script>"):
        kind = server.api("GET", path).headers["content-type"]
        assert not kind.startswith(("text/html", "image/svg", "text/xml")), path
    assert SCRIPT not in server.call("GET", f"/jobs/{job}").text


def test_sec_16_names_do_not_split_headers(server: Server) -> None:
    job = server.submit("echo x > $'outputs/a\\r\\nSet-Cookie: x=y'; echo x > 'outputs/a\";b'")
    server.ended(job)
    for name in ("a%0d%0aSet-Cookie:%20x=y", "a%22;b"):
        answer = server.mlflow("GET", f"mlflow-artifacts/artifacts/ExperimentRun/dcid.{job}/outputs/{name}")
        assert "set-cookie" not in answer.headers


def test_sec_17_a_cookie_counts_only_from_our_own_pages(server: Server) -> None:
    cookie = {"cookie": f"zaffre_token={server.token}"}
    own = server.url
    for headers, good in (
        ({}, True),
        ({"origin": own}, True),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"origin": "http://evil.example"}, False),
        ({"origin": "null"}, False),
        ({"origin": own + "0"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"origin": "http://localhost:1"}, False),
    ):
        for method, path, body in (
            ("POST", "/api/storage:gc", {}),
            ("POST", "/api/workspaces/default/jobs", {}),
            ("POST", "/mlflow/default/api/2.0/mlflow/runs/search", {}),
            ("GET", "/api/status", None),
        ):
            answer = server.call(method, path, body, None, headers=cookie | headers)
            assert (answer.status_code != 403) is good, (headers, path)


def test_sec_17_no_page_may_read_us(server: Server) -> None:
    for method in ("OPTIONS", "GET", "POST"):
        answer = server.call(
            method,
            "/api/status",
            token=None,
            headers={"origin": "http://evil.example", "access-control-request-method": "POST"},
        )
        assert not [name for name in answer.headers if name.startswith("access-control-")]
