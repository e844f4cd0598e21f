"""The short way of metrics: it answers as the long one would, and those who share a commit do not share errors."""

from __future__ import annotations

import json
import socket
import threading
from typing import Any
from urllib.parse import urlsplit

import pytest
from raw_client import Client

from zaffre.mlflow import quick

LOG = "/api/2.0/mlflow/runs/log-metric"


def _run(owner: Client) -> str:
    _, _, body = owner.ask("POST", "/api/2.0/mlflow/runs/create", {"experiment_id": "0"})
    return str(json.loads(body)["run"]["info"]["run_id"])


def _steps(owner: Client, run: str, key: str = "m") -> list[int]:
    _, _, body = owner.ask("GET", f"/api/2.0/mlflow/metrics/get-history?run_id={run}&metric_key={key}")
    return sorted(item["step"] for item in json.loads(body)["metrics"])


def test_rel_10_those_who_come_together_are_each_told_their_own(door: Any) -> None:
    owner = Client(door)
    good, deleted = _run(owner), _run(owner)
    assert owner.ask("POST", "/api/2.0/mlflow/runs/delete", {"run_id": deleted})[0] == 200
    bodies = [
        ({"run_id": good}, 200), ({"run_id": deleted}, 400), ({"run_id": "nobody"}, 404), ({}, 400),
        ({"run_id": good, "value": "many"}, 400), ({"run_id": good, "step": 2**64}, 400),
    ]  # fmt: skip
    wrong: list[Any] = []

    def client(number: int) -> None:
        mine = Client(door)
        for step in range(10):
            body, expected = bodies[(number + step) % len(bodies)]
            point = {"key": "m", "value": 1.0, "timestamp": 1, "step": number * 100 + step}
            status, _, said = mine.ask("POST", LOG, point | body)
            if status != expected or (status == 200) != (said == b"{}"):
                wrong.append((body, status, said))

    threads = [threading.Thread(target=client, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []
    told = sorted(n * 100 + step for n in range(24) for step in range(10) if (n + step) % len(bodies) == 0)
    assert _steps(owner, good) == told


def test_a_request_that_is_cut_off_stores_nothing(door: Any) -> None:
    owner = Client(door)
    run = _run(owner)
    body = json.dumps({"run_id": run, "key": "m", "value": 1, "timestamp": 1, "step": 1}).encode()
    place = urlsplit(door.url)
    for end in (0, 10, len(body) - 1):
        with socket.create_connection((str(place.hostname), int(place.port or 0))) as wire:
            head = f"POST {place.path}{LOG} HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: Bearer owner-token\r\n"
            wire.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:end])
    assert _steps(owner, run) == []
    assert owner.ask("POST", LOG, body)[0] == 200
    assert _steps(owner, run) == [1]


def test_what_is_more_than_metrics_takes_the_long_way(door: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = Client(door)
    run = _run(owner)
    point = {"key": "m", "value": 1.5, "timestamp": 1, "step": 1}
    both = {"run_id": run, "metrics": [point], "params": [{"key": "p", "value": "1"}]}
    assert owner.ask("POST", "/api/2.0/mlflow/runs/log-batch", both)[0] == 200
    assert owner.ask("POST", LOG, {"run_id": run, **point, "step": 2, "model_id": "m-nobody"})[0] == 404
    monkeypatch.setattr(quick, "SMALL", 100)
    many = {"run_id": run, "metrics": [point | {"step": step} for step in range(3, 1003)]}
    assert owner.ask("POST", "/api/2.0/mlflow/runs/log-batch", many)[0] == 200
    many["metrics"].append(point)
    for small in (100, 1 << 20):
        monkeypatch.setattr(quick, "SMALL", small)
        status, _, said = owner.ask("POST", "/api/2.0/mlflow/runs/log-batch", many)
        assert (status, b"at most 1000 metrics" in said) == (400, True)
    assert _steps(owner, run) == [1, *range(3, 1003)]


def test_nobody_gets_in_by_the_short_way(door: Any) -> None:
    run = _run(Client(door))
    body = {"run_id": run, "key": "m", "value": 1, "timestamp": 1, "step": 1}
    for token, expected in ((None, 401), ("wrong", 401), ("other-token", 403), ("job-token", 200)):
        status, headers, _ = Client(door, token).ask("POST", LOG, body)
        assert status == expected
        assert {name.lower(): value for name, value in dict(headers).items()}["x-content-type-options"] == "nosniff"
    assert Client(door).ask("GET", LOG)[0] == 404
