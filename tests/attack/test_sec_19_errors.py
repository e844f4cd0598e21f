"""SEC-19, 20: hostile values meet limits; errors tell nothing of the inside; the server lives on."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
from attacked_server import Server, encoded
from test_sec_09_routes import STREAMS, filled

from zaffre.mlflow.routes import table
from zaffre.wire.table import OPERATIONS

BIG = 10**30
INSIDE = re.compile(r"Traceback|\.py\b|site-packages|sqlalchemy|sqlite|0x[0-9a-f]{8}|line \d+, in", re.IGNORECASE)


def fine(answer: Any) -> bool:
    return answer.status_code < 400 or (answer.status_code < 500 and not INSIDE.search(answer.text))


def test_sec_19_hostile_values_in_addresses(server: Server) -> None:
    job = server.submit("true")
    server.ended(job)
    values = (
        "-1",
        str(BIG),
        str(2**63),
        "1e400",
        "nan",
        "%C2%B2",
        "%ff%fe",
        "%ed%a0%80",
        "",
        "[]",
        "a" * 5000,
        "'%3B--",
        "%E2%80%AE",
    )
    for op in OPERATIONS.values():
        if op.name == "server.stop":
            continue
        path = "/api" + op.path
        body = {} if op.method in ("POST", "PATCH") else None
        if "{name}" in path and op.method == "GET":
            for value in values:
                answer = server.call(op.method, filled(path, "default", value), body)
                assert fine(answer), (path, value, answer.text)
        if op.method == "GET" and path not in STREAMS:
            for field in op.request.model_fields.keys() - set(op.path_fields) - {"follow"}:
                for value in values:
                    answer = server.call("GET", filled(path, "default", job) + f"?{field}={value}")
                    assert fine(answer), (path, field, value, answer.text)


def test_sec_19_hostile_values_over_mlflow(server: Server) -> None:
    job, token = server.living_job()
    keys = (
        "run_id experiment_id name key value tags params metrics max_results page_token filter order_by path version "
        "source timestamp step experiment_ids model_id stage alias description start_time metric_key datasets "
        "stages run_ids end_time status new_name"
    ).split()
    for method, path, _ in table():
        url = filled("/mlflow/default" + path, "", "x")
        for value in (None, "..", "\0", "x" * 3000, -1, BIG, 1.5, [], {}, [["a"]], True, "9" * 30, "²"):
            for known in ({}, {"run_id": job, "experiment_id": "0", "experiment_ids": ["0"], "key": "k", "name": "n"}):
                body = dict.fromkeys(keys, value) | known
                query = {key: str(item) for key, item in body.items() if item is not None and len(str(item)) < 100}
                more: dict[str, Any] = {"params": query} if method == "GET" else {}
                answer = server.call(method, url, None if method == "GET" else body, token, **more)
                assert fine(answer), (method, path, value, answer.text)


SPECS: list[dict[str, Any]] = [
    {"inputs": {"a": BIG}},
    {"retry_settings": {"max_retries": BIG}},
    {"limits": {"timeout": BIG}},
    {"limits": {"timeout": -1}},
    {"resources": {"instance_count": BIG}},
    {"resources": {"instance_count": -1}},
    {"services": {"a": {"port": BIG}}},
    {"properties": {"a": "b"}},
    {"properties": {"a": {"b": 1}}},
    {"parent_job_name": "x"},
    {"services": {"a": {"port": 1}}},
    {"tags": {str(number): "x" for number in range(5000)}},
    {"tags": {"k" * 5000: "v"}},
    {"tags": {"k": "v" * 500_000}},
    {"tags": {"": "v"}},
    {"environment_variables": {"A=B": "x"}},
    {"environment_variables": {"": "x"}},
    {"inputs": {"../a": 1}},
    {"inputs": {"a b;c": "$(touch /x)"}},
    {"outputs": {"../a": {"type": "uri_folder"}}},
    {"compute": "azureml:../../x"},
    {"environment": "../../etc"},
    {"environment": "azureml:..@latest"},
    {"environment": {"image": "x" * 10_000}},
    {"code": "/etc"},
    {"code": "file:///etc"},
    {"code": "../"},
    {"code": "content://" + "0" * 64},
    {"experiment_name": "../../x"},
    {"experiment_name": "x" * 9999},
    {"display_name": "x" * 100_000},
    {"command": "x" * 300_000},
    {"command": ""},
]


@pytest.mark.parametrize("fields", SPECS, ids=lambda fields: str(fields)[:40])
def test_sec_20_hostile_jobs_end_or_are_refused(server: Server, fields: dict[str, Any]) -> None:
    spec = {"type": "command", "command": "true", "environment": "azureml:python@latest", **fields}
    answer = server.api("POST", "/jobs", content=json.dumps({"spec": spec}).encode())
    assert fine(answer), answer.text
    if answer.status_code == 200:
        assert server.ended(encoded(answer.json()["name"]))["status"] in ("Completed", "Failed")


def test_sec_20_hostile_bodies(server: Server) -> None:
    many = (
        b'{"spec": {"type": "command", "tags": {'
        + b",".join(b'"%d":"x"' % number for number in range(300_000))
        + b"}}}"
    )
    bodies = (
        b"[" * 100_000,
        b'{"spec":' * 50_000,
        b'{"spec":{"a":' + b"1" * 5000 + b"}}",
        b'{"spec":{"a":NaN}}',
        b"\xff\xfe",
        b"null",
        b"1",
        b'{"spec":1}',
        b'{"a":' + b'{"a":' * 300 + b"1" + b"}" * 301,
        many,
    )
    for body in bodies:
        for path in ("/jobs", "/data", "/jobs:plan", "/content/trees"):
            began = time.monotonic()
            answer = server.call("POST", f"/api/workspaces/default{path}", content=body)
            assert answer.status_code in (400, 413), (path, body[:40])
            assert not INSIDE.search(answer.text)
            assert time.monotonic() - began < 20
        answer = server.mlflow("POST", "mlflow/runs/log-batch", content=body)
        assert answer.status_code in (400, 404, 413), body[:40]


def test_sec_20_cyclic_and_deep_pipelines(server: Server) -> None:
    step = {"type": "command", "command": "true", "environment": "azureml:python@latest"}

    def uses(other: str) -> dict[str, Any]:
        out = "${{parent.jobs." + other + ".outputs.o}}"
        return {**step, "inputs": {"i": out}, "outputs": {"o": {"type": "uri_folder"}}}

    for jobs in ({"a": uses("b"), "b": uses("a")}, {"a": uses("a")}):
        answer = server.api("POST", "/jobs", {"spec": {"type": "pipeline", "jobs": jobs}})
        assert answer.status_code == 400
        assert "cycl" in answer.text.lower() or "circle" in answer.text.lower() or "itself" in answer.text.lower()
    deep: dict[str, Any] = step
    for _ in range(60):
        deep = {"type": "pipeline", "jobs": {"in": deep}}
    assert server.api("POST", "/jobs", {"spec": deep}).status_code == 400


def test_sec_20_the_server_still_works(server: Server) -> None:
    assert server.ended(server.submit("true"))["status"] == "Completed"
    log = server.log.read_text()
    assert "Traceback" not in log, log[-3000:]
