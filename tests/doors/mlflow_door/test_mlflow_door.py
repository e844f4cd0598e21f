"""The MLflow door under raw requests: permissions of every endpoint, hostile paths, wrong bodies, retries."""

from __future__ import annotations

import json
import math
import os
import re
import socket
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from raw_client import Client

from zaffre.core.permissions import Permission
from zaffre.mlflow.routes import table

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def owner(door: Any) -> Client:
    return Client(door)


def _filled(path: str) -> str:
    return re.sub(r"{\w+}", "x", path)


@on_sqlite
def test_sec_09_every_endpoint_is_closed_without_a_token_and_to_other_workspaces(door: Any) -> None:
    strangers = {None: 401, "wrong": 401, "other-token": 403}
    for token, expected in strangers.items():
        for method, path, _ in table():
            status, _, body = Client(door, token).ask(method, _filled(path), b"{}")
            assert (status, method, path) == (expected, method, path), body
        assert Client(door, token).ask("GET", "/api/2.0/mlflow/nothing/here")[0] == expected
        assert Client(door, token).ask("GET", "/nothing")[0] == expected


@on_sqlite
def test_sec_09_a_job_may_not_remove_or_promote_models(door: Any) -> None:
    needed = {path: permission for _, path, permission in table()}
    assert needed["/api/2.0/mlflow/registered-models/delete"] is Permission.ASSETS_WRITE
    for method, path, permission in table():
        status, _, _ = Client(door, "job-token").ask(method, _filled(path), b"{}")
        assert (status == 403) == (permission is Permission.ASSETS_WRITE), (method, path, status)


def test_what_is_not_offered_is_said(owner: Client) -> None:
    status, _, body = owner.ask("POST", "/api/3.0/mlflow/gateway/endpoints/create", {})
    assert status == 404
    assert json.loads(body)["error_code"] == "ENDPOINT_NOT_FOUND"
    assert "gateway" in json.loads(body)["message"]


@on_sqlite
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("runs/create", b"{"),
        ("runs/create", b"[1]"),
        ("runs/create", b'{"tags": 5}'),
        ("runs/create", b'{"tags": [5]}'),
        ("runs/create", b'{"experiment_id": "x"}'),
        ("runs/create", b'{"experiment_id": 7}'),
        ("runs/create", b'{"experiment_id": "99999999999999999999999"}'),
        ("runs/create", b'{"start_time": "soon"}'),
        ("runs/create", b'{"tags": [{"key": "a", "value": "x\\u0000y"}]}'),
        ("runs/create", b'{"run_name": "\\ud800"}'),
        ("runs/search", b'{"experiment_ids": ["0"], "page_token": "what"}'),
        ("runs/search", b'{"experiment_ids": ["0"], "page_token": "eyJvZmZzZXQiOiAtMX0="}'),
        ("runs/search", b'{"experiment_ids": ["0"], "max_results": 0}'),
        ("runs/search", b'{"experiment_ids": ["0"], "filter": "metrics.a > \'1\'"}'),
        ("runs/search", b'{"experiment_ids": ["0"], "filter": "params.a = \'1\'; DROP TABLE jobs"}'),
        ("runs/search", b'{"experiment_ids": ["0"], "order_by": ["nothing"]}'),
        ("runs/search", b'{"experiment_ids": ["0"], "run_view_type": "SOME"}'),
        ("experiments/create", b'{"name": ""}'),
        ("experiments/create", b'{"name": 5}'),
        ("experiments/create", b"{}"),
        ("experiments/create", b'{"name": "n", "artifact_location": "file:///etc"}'),
        ("experiments/delete", b'{"experiment_id": "0"}'),
        ("logged-models", b'{"experiment_id": "0", "name": "a/b"}'),
        ("registered-models/create", b'{"name": "../x"}'),
        ("registered-models/create", b'{"name": ".."}'),
    ],
)
def test_wrong_requests_are_refused_plainly(owner: Client, path: str, body: bytes) -> None:
    status, _, answer = owner.ask("POST", f"/api/2.0/mlflow/{path}", body)
    assert status == 400, answer
    assert json.loads(answer)["error_code"] in ("INVALID_PARAMETER_VALUE", "BAD_REQUEST")
    assert json.loads(answer)["message"]


@pytest.mark.parametrize(
    "metric",
    [
        {"key": "", "value": 1, "timestamp": 1},
        {"key": "k" * 251, "value": 1, "timestamp": 1},
        {"value": 1, "timestamp": 1},
        {"key": "a\0b", "value": 1, "timestamp": 1},
        {"key": 5, "value": 1, "timestamp": 1},
        {"key": "k", "value": None, "timestamp": 1},
        {"key": "k", "value": "x", "timestamp": 1},
        {"key": "k", "value": True, "timestamp": 1},
        {"key": "k", "value": 10**400, "timestamp": 1},
        {"key": "k", "value": 1},
        {"key": "k", "value": 1, "timestamp": 2**63},
        {"key": "k", "value": 1, "timestamp": 1.5},
        {"key": "k", "value": 1, "timestamp": 1, "step": "x"},
        {"key": "k", "value": 1, "timestamp": 1, "step": -(2**63) - 1},
    ],
)
@on_sqlite
def test_a_wrong_metric_is_refused_and_nothing_of_its_batch_is_kept(owner: Client, metric: dict[str, Any]) -> None:
    run = owner.new_run()
    good = {"key": "good", "value": 1, "timestamp": 1}
    status, answer = owner.call("runs/log-batch", {"run_id": run, "metrics": [good, metric]})
    assert status == 400
    assert answer["error_code"] in ("INVALID_PARAMETER_VALUE", "BAD_REQUEST")
    assert (
        "metrics" not in owner.get(f"runs/get?run_id={run}")[1]["run"]["data"]
        or not owner.get(f"runs/get?run_id={run}")[1]["run"]["data"]["metrics"]
    )


def test_a_batch_with_a_changed_parameter_is_refused_as_a_whole(owner: Client) -> None:
    run = owner.new_run()
    assert owner.call("runs/log-parameter", {"run_id": run, "key": "a", "value": "1"})[0] == 200
    body = {"run_id": run, "params": [{"key": "a", "value": "2"}, {"key": "b", "value": "2"}],
            "metrics": [{"key": "m", "value": 1, "timestamp": 1}], "tags": [{"key": "t", "value": "v"}]}  # fmt: skip
    assert owner.call("runs/log-batch", body)[1]["error_code"] == "INVALID_PARAMETER_VALUE"
    data = owner.get(f"runs/get?run_id={run}")[1]["run"]["data"]
    assert data["params"] == [{"key": "a", "value": "1"}]
    assert data["metrics"] == []
    assert {tag["key"] for tag in data["tags"]} == {"mlflow.runName", "mlflow.user"}
    assert owner.call("runs/log-parameter", {"run_id": run, "key": "x", "value": "v" * 2**20})[0] == 400


def test_rel_10_a_repeated_request_is_stored_once(owner: Client) -> None:
    run = owner.new_run()
    points = [{"key": "m", "value": math.nan if i == 3 else i, "timestamp": 10 + i, "step": i} for i in range(100)]
    for _ in range(3):
        assert owner.call("runs/log-batch", {"run_id": run, "metrics": points})[0] == 200
    found = owner.get(f"metrics/get-history?run_id={run}&metric_key=m")[1]["metrics"]
    assert [point["step"] for point in found] == list(range(100))
    assert found[3]["value"] == "NaN"
    page = owner.get(f"metrics/get-history?run_id={run}&metric_key=m&max_results=60")[1]
    rest = owner.get(
        f"metrics/get-history?run_id={run}&metric_key=m&max_results=60&page_token={page['next_page_token']}"
    )[1]
    assert page["metrics"] + rest["metrics"] == found
    assert "next_page_token" not in rest
    both = owner.get(f"metrics/get-history-bulk-interval?run_ids={run}&metric_key=m&max_results=10")[1]["metrics"]
    assert both[0]["step"] == 0
    assert both[-1]["step"] == 99
    assert len(both) <= 11


def _artifact(run: str, path: str) -> str:
    return f"/api/2.0/mlflow-artifacts/artifacts/ExperimentRun/dcid.{run}/{path}"


ESCAPES = [
    "../x",
    "../../../../etc/passwd",
    "a/../../x",
    "..%2fx",
    "%2e%2e/x",
    "%2e%2e%2fx",
    "%252e%252e%252fx",
    "%25252e%25252e/x",
    "..%5cx",
    "a%5c..%5cx",
    "%00",
    "a%00b",
    "a/%2e%2e/%2e%2e/x",
    "%2fetc/passwd",
    "%252fetc/passwd",
    "a/./x",
    "C:%5cx",
    "%ef%bc%8e%ef%bc%8e/x",
    "a/%e2%80%a4%e2%80%a4/x",
    "x%0ay",
    "a" * 300,
]


@pytest.mark.parametrize("path", ESCAPES)
@on_sqlite
def test_sec_01_paths_that_escape_are_refused(owner: Client, path: str, tmp_path: Path) -> None:
    run = owner.new_run()
    before = _everything(tmp_path)
    for method in ("PUT", "GET", "DELETE"):
        status, _, _ = owner.ask(method, _artifact(run, path), b"evil" if method == "PUT" else None)
        assert status in (400, 404), (method, path, status)
    for listing in (f"artifacts/list?run_id={run}&path={path}", f"artifacts/list?run_id=../{path}"):
        assert owner.ask("GET", f"/api/2.0/mlflow/{listing}")[0] in (400, 404)
    query = quote(f"ExperimentRun/dcid.{run}/") + path
    assert owner.ask("GET", f"/api/2.0/mlflow-artifacts/artifacts?path={query}")[0] in (400, 404)
    assert _everything(tmp_path) == before


def _everything(folder: Path) -> set[str]:
    return {str(path) for path in folder.rglob("*") if not path.name.startswith(("zaffre.db", ".staging"))}


@on_sqlite
def test_sec_04_links_that_leave_the_folder_are_not_followed(owner: Client, tmp_path: Path) -> None:
    run = owner.new_run()
    assert owner.ask("PUT", _artifact(run, "in/a.txt"), b"inside")[0] == 200
    folder = owner.door.context.home.artifacts("default", run)
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("secret")
    (folder / "out").symlink_to(secret)
    (folder / "file").symlink_to(secret / "key")
    (folder / "near").symlink_to(folder / "in")
    os.mkfifo(folder / "pipe")
    assert owner.ask("GET", _artifact(run, "near/a.txt"))[2] == b"inside"
    for path in ("out/key", "file", "pipe"):
        status, _, body = owner.ask("GET", _artifact(run, path))
        assert status == 404
        assert b"secret" not in body
    for path in ("out/new", "out/key"):
        assert owner.ask("PUT", _artifact(run, path), b"evil")[0] >= 400
    assert {f["path"] for f in owner.get(f"artifacts/list?run_id={run}")[1]["files"]} == {"in", "near"}
    assert owner.ask("DELETE", _artifact(run, "out/key"))[0] == 404
    assert owner.ask("DELETE", _artifact(run, "out"))[0] == 200
    assert (secret / "key").read_text() == "secret"


@on_sqlite
@pytest.mark.parametrize("name", ["page.html", "x.svg", "x.xml", "x.js", "x.txt", "x.png", "a b;c#d?e.txt", "ü%20.bin"])
def test_sec_16_downloads_are_inert(owner: Client, name: str) -> None:
    run = owner.new_run()
    assert owner.ask("PUT", _artifact(run, quote(name)), b"<script>1</script>")[0] == 200
    status, headers, body = owner.ask("GET", _artifact(run, quote(name)))
    assert (status, body) == (200, b"<script>1</script>")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-disposition"].startswith("attachment")
    assert "sandbox" in headers["content-security-policy"]
    assert not re.search("html|svg|xml|javascript", headers["content-type"])
    assert [f["path"] for f in owner.get(f"artifacts/list?run_id={run}")[1]["files"]] == [name]


@on_sqlite
def test_an_upload_is_seen_whole_or_not_at_all(owner: Client) -> None:
    run = owner.new_run()
    assert owner.ask("PUT", _artifact(run, "f"), b"one")[0] == 200
    with socket.create_connection((owner.place.hostname, owner.place.port)) as wire:
        head = (
            f"PUT {owner.place.path}{_artifact(run, 'f')} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer owner-token\r\n"
        )
        wire.sendall(head.encode() + b"Content-Length: 1000000\r\n\r\n" + b"x" * 400_000)
    staging = owner.door.context.home.store("default", "workspaceartifactstore") / ".staging"
    for _ in range(200):
        if not list(staging.iterdir()):
            break
        time.sleep(0.02)
    assert not list(staging.iterdir())
    assert owner.ask("GET", _artifact(run, "f"))[2] == b"one"
    assert owner.ask("PUT", _artifact(run, "f/below"), b"x")[0] == 400
    assert owner.ask("GET", _artifact(run, "f"), Range="bytes=1-")[2] == b"ne"
    assert owner.ask("GET", _artifact(run, "f"), Range="bytes=9-")[0] == 416


@on_sqlite
@pytest.mark.parametrize("name", ["a%0Ab.txt", "f%0A", "%0A", "a/%0D%0Ab"])
def test_an_artifact_whose_name_has_a_line_break_is_refused_in_words(owner: Client, name: str) -> None:
    run = owner.new_run()
    for method, body in (("PUT", b"x"), ("GET", None), ("DELETE", b"")):
        status, _, said = owner.ask(method, _artifact(run, name), body)
        assert (status, json.loads(said)["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), (method, said)
        assert "Invalid path" in json.loads(said)["message"]
    assert owner.get(f"artifacts/list?run_id={run}")[1]["files"] == []
    status, _, said = owner.ask("POST", "/api/2.0/mlflow/runs/create%0A", {"experiment_id": "0"})
    assert (status, json.loads(said)["error_code"]) == (404, "ENDPOINT_NOT_FOUND")


@on_sqlite
def test_artifacts_of_unknown_runs_and_other_places_do_not_exist(owner: Client) -> None:
    assert owner.ask("PUT", _artifact("nobody", "f"), b"x")[0] == 404
    for path in ("f", "ExperimentRun/f", "other/x/f", "LoggedModel/m-1/f", ".staging/f"):
        status = owner.ask("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{path}", b"x")[0]
        assert status in (400, 404), path


@on_sqlite
@pytest.mark.parametrize(
    "source",
    [
        "file:///etc",
        "/etc",
        "https://example.org/m",
        "s3://bucket/m",
        "runs:/{run}/../../x",
        "runs:/nobody/m",
        "models:/m-0",
        "azureml://datastores/workspaceartifactstore/paths/../x",
        "azureml://datastores/secret/paths/x",
        "runs:/{run}/missing",
    ],
)
def test_sec_02_only_what_the_server_keeps_becomes_a_model(owner: Client, source: str) -> None:
    run = owner.new_run()
    owner.call("registered-models/create", {"name": "m"})
    status, answer = owner.call("model-versions/create", {"name": "m", "source": source.format(run=run)})
    assert status in (400, 404), answer
    assert owner.get("model-versions/search")[1]["model_versions"] == []


def test_deleting_and_restoring_an_experiment(owner: Client) -> None:
    id_ = owner.call("experiments/create", {"name": "one"})[1]["experiment_id"]
    assert owner.call("experiments/create", {"name": "one"})[1]["error_code"] == "RESOURCE_ALREADY_EXISTS"
    assert owner.call("experiments/delete", {"experiment_id": id_})[0] == 200
    names = [e["name"] for e in owner.call("experiments/search", {"max_results": 10})[1]["experiments"]]
    assert names == ["Default"]
    assert owner.call("experiments/restore", {"experiment_id": id_})[0] == 200
    found = owner.call("experiments/search", {"max_results": 1, "filter": "name LIKE 'o%'", "order_by": ["name"]})[1]
    assert [e["name"] for e in found["experiments"]] == ["one"]
