"""Large files: in parts, in any order, after a cut; by the real client and by hand."""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from raw_client import Client

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
MPU = "/api/2.0/mlflow-artifacts/mpu"
SIZE = 300_000


@pytest.fixture
def owner(door: Any) -> Client:
    return Client(door)


@pytest.mark.parametrize("release", ["3.17.2-skinny", "3.0.1"])
def test_the_client_sends_parts_and_reads_ranges(run_script: Callable[..., str], release: str) -> None:
    assert "done 3." in run_script("parts.py", release)


def begin(owner: Client, run: str, parts: int, name: str = "f.bin") -> tuple[str, list[dict[str, Any]]]:
    body = {"path": f"/home/kim/{name}", "num_parts": parts}
    status, _, answer = owner.ask("POST", f"{MPU}/create/ExperimentRun/dcid.{run}", body)
    assert status == 200, answer
    told = json.loads(answer)
    return told["upload_id"], told["credentials"]


def send(credential: dict[str, Any], data: bytes) -> tuple[int, str]:
    """As the client does: to the address, with the headers, that it was given, and nothing else."""
    place = urlsplit(credential["url"])
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
    connection.request("PUT", place.path, data, credential["headers"])
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, answer.headers.get("ETag", "")


def end(owner: Client, run: str, upload: str, parts: list[dict[str, Any]], verb: str = "complete") -> tuple[int, str]:
    body = {"path": "/home/kim/f.bin", "upload_id": upload, "parts": parts}
    status, _, answer = owner.ask("POST", f"{MPU}/{verb}/ExperimentRun/dcid.{run}", body)
    return status, answer.decode()


def file_of(run: str, name: str = "f.bin") -> str:
    return f"/api/2.0/mlflow-artifacts/artifacts/ExperimentRun/dcid.{run}/{name}"


def test_rel_22_an_upload_goes_on_after_a_cut(owner: Client, tmp_path: Path) -> None:
    run = owner.new_run()
    data = os.urandom(3 * SIZE + 1234)
    pieces = [data[at : at + SIZE] for at in range(0, len(data), SIZE)]
    upload, places = begin(owner, run, len(pieces))
    assert "owner-token" not in "".join(place["url"] for place in places)
    assert send(places[3], pieces[3])[0] == 200  # the last one first
    assert send(places[1], pieces[1])[0] == 200
    cut_off(owner, places[0], pieces[0])
    status, _, answer = owner.ask("GET", f"{MPU}/parts/{upload}")
    assert (status, json.loads(answer)["parts"]) == (200, [2, 4])
    refused = end(owner, run, upload, [])
    assert refused[0] == 400
    assert "1, 3" in refused[1]
    etags = {number: send(places[number - 1], pieces[number - 1])[1] for number in (1, 2, 3, 4)}  # one comes again
    wrong = end(owner, run, upload, [{"part_number": 2, "etag": '"2-1"'}])
    assert wrong[0] == 400
    assert owner.ask("GET", file_of(run))[0] == 404, "nothing is seen before it is complete"
    parts = [{"part_number": number, "etag": etag} for number, etag in etags.items()]
    assert end(owner, run, upload, parts) == (200, "{}")
    assert owner.ask("GET", file_of(run))[2] == data
    assert end(owner, run, upload, parts)[0] == 404
    staging = owner.door.context.home.store("default", "workspaceartifactstore") / ".staging"
    assert list(staging.iterdir()) == []


def cut_off(owner: Client, place: dict[str, Any], data: bytes) -> None:
    target = urlsplit(place["url"])
    connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=30)
    connection.putrequest("PUT", target.path)
    for name, value in {**place["headers"], "Content-Length": str(len(data))}.items():
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(data[: len(data) // 2])
    connection.close()


def test_wrong_parts_are_refused_and_aborting_leaves_nothing(owner: Client) -> None:
    run = owner.new_run()
    upload, places = begin(owner, run, 3)
    assert send(places[0], b"x" * SIZE)[0] == 200
    assert send(places[1], b"x" * (SIZE - 1))[0] == 400, "another size than the first"
    for number in ("0", "4", "x", "-1", "1/2", "%2e%2e"):
        status, _, _ = owner.ask("PUT", f"{MPU}/parts/{upload}/{number}", b"x" * SIZE)
        assert status == 400, number
    for other in ("0" * 24, "..", "%2e%2e", "x", upload[:-1]):
        assert owner.ask("PUT", f"{MPU}/parts/{other}/1", b"x")[0] == 404, other
    assert end(owner, "nobody", upload, [])[0] in (400, 404)
    assert end(owner, run, upload, [], "abort") == (200, "{}")
    assert send(places[1], b"x" * SIZE)[0] == 404
    for count in (0, 10_001, -1, "many"):
        body = {"path": "f", "num_parts": count}
        status, _, answer = owner.ask("POST", f"{MPU}/create/ExperimentRun/dcid.{run}", body)
        assert (status, json.loads(answer)["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), count


def test_sec_01_parts_go_nowhere_else(owner: Client, tmp_path: Path) -> None:
    run = owner.new_run()
    for folder in (f"ExperimentRun/dcid.{run}/%2e%2e", f"ExperimentRun/dcid.{run}/%252e%252e/x", "..", "/etc"):
        status, _, _ = owner.ask("POST", f"{MPU}/create/{folder}", {"path": "f", "num_parts": 1})
        assert status in (400, 404), folder
    for name in ("..", "%2e%2e", "a\0b", "", "."):
        body = {"path": name, "num_parts": 1}
        status, _, _ = owner.ask("POST", f"{MPU}/create/ExperimentRun/dcid.{run}", body)
        assert status == 400, name
    upload, _ = begin(owner, run, 1, "../../up\\f.bin")  # of a client's path only the name counts
    status, _, answer = owner.ask("GET", f"{MPU}/parts/{upload}")
    assert json.loads(answer)["path"] == f"ExperimentRun/dcid.{run}/f.bin"


def test_ranges_are_offered_for_large_files(owner: Client) -> None:
    run = owner.new_run()
    assert owner.ask("PUT", file_of(run, "a%20b%23.bin"), b"z" * (33 * 2**20))[0] == 200
    status, _, answer = owner.ask("GET", f"/api/2.0/mlflow-artifacts/presigned/ExperimentRun/dcid.{run}/a%20b%23.bin")
    told = json.loads(answer)
    assert (status, told["file_size"]) == (200, 33 * 2**20)
    assert "token" not in told["url"]
    place = urlsplit(told["url"])
    status, headers, data = Client(owner.door).ask(
        "GET", place.path.removeprefix(owner.place.path), None, Range="bytes=5-9"
    )
    assert (status, data, headers["content-range"]) == (206, b"zzzzz", f"bytes 5-9/{33 * 2**20}")
    missing = owner.ask("GET", f"/api/2.0/mlflow-artifacts/presigned/ExperimentRun/dcid.{run}/nothing")
    assert missing[0] == 404
