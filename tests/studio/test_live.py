"""Live data over the socket: what a page hears, resumed without loss, and who may not listen."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from studio_place import Studio
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect


@contextmanager
def socket(studio: Studio, workspace: str = "default", **headers: str) -> Iterator[ClientConnection]:
    url = studio.place.url.replace("http", "ws") + f"/api/workspaces/{workspace}/live"
    sent = {"Cookie": f"zaffre_token={studio.place.token}", "Origin": studio.place.url, **headers}
    origin = sent.pop("Origin")
    with connect(url, additional_headers=sent, origin=origin, proxy=None) as opened:  # type: ignore[arg-type]
        yield opened


def say(opened: ClientConnection, **frame: Any) -> None:
    opened.send(json.dumps(frame))


def hear(opened: ClientConnection, op: str = "evt", topic: str | None = None) -> dict[str, Any]:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        frame: dict[str, Any] = json.loads(opened.recv(timeout=30))
        if frame["op"] == op and topic in (None, frame.get("topic")):
            return frame
    raise AssertionError(f"no {op} of {topic}")


def test_the_states_of_a_pipeline_come_as_they_happen(studio: Studio) -> None:
    spec = {"type": "command", "command": "sleep 0.3", "environment": "azureml:python@latest"}
    name = studio.place.submit({"type": "pipeline", "jobs": {"one": spec, "two": {**spec, "command": "sleep 0.1"}}})
    with socket(studio) as opened:
        say(opened, op="sub", topic=f"pipelines/{name}/states", since="0")
        seen: list[tuple[str, str]] = []
        while True:
            frame = json.loads(opened.recv(timeout=30))
            if frame["op"] == "end":
                break
            assert frame["op"] == "evt", frame
            seen += [(event.get("node") or "", event["status"]) for event in frame["data"]["events"]]
    assert ("one", "Completed") in seen
    assert seen[-1] == ("", "Completed")
    states = studio.place.api("GET", f"/jobs/{name}/states")
    assert {item["node"]: item["status"] for item in states["items"]} == {"one": "Completed", "two": "Completed"}


def test_a_log_resumes_where_it_was_left(studio: Studio) -> None:
    """Nothing is lost and nothing comes twice, wherever the connection breaks; a character is never cut."""
    lines = 400
    job = studio.place.command(
        f'for i in $(seq {lines}); do echo "line $i äöü€𝄞"; [ $((i % 50)) = 0 ] && sleep 0.05; done'
    )
    text, since, ended = "", "0", False
    while not ended:
        with socket(studio) as opened:
            say(opened, op="sub", topic=f"runs/{job}/log", since=since)
            for _ in range(3):  # then the connection is cut
                frame = json.loads(opened.recv(timeout=30))
                if frame["op"] == "end":
                    ended = True
                    break
                text += frame["data"]["text"]
                since = frame["seq"]
    assert text == "".join(f"line {number} äöü€𝄞\n" for number in range(1, lines + 1))
    assert int(since) == len(text.encode())


def test_a_gap_is_told(studio: Studio) -> None:
    job = studio.place.command("echo short")
    studio.place.ended(job)
    with socket(studio) as opened:
        say(opened, op="sub", topic=f"runs/{job}/log", since="999999")
        assert hear(opened, "gap")["topic"] == f"runs/{job}/log"
        assert hear(opened)["data"]["text"] == "short\n"


def test_the_workspace_tells_of_every_job(studio: Studio) -> None:
    with socket(studio) as opened:
        say(opened, op="sub", topic="runs")
        say(opened, op="ping")
        hear(opened, "pong")
        job = studio.place.command("true")
        seen: set[str] = set()
        while "Completed" not in seen:
            seen |= {item["status"] for item in hear(opened, topic="runs")["data"]["jobs"] if item["name"] == job}


def test_what_is_not_there_is_an_error_of_its_topic(studio: Studio) -> None:
    with socket(studio) as opened:
        for topic, code in (
            ("runs/none", "JobNotFound"),
            ("what/ever", "TopicNotFound"),
            ("runs/none/log", "JobNotFound"),
        ):
            say(opened, op="sub", topic=topic)
            assert hear(opened, "err")["code"] == code
        say(opened, op="sub", topic=f"runs/{studio.made['living']}", since="x")
        assert hear(opened, "err")["code"] == "BadCursor"
        opened.send("not json")
        assert hear(opened, "err")["code"] == "MalformedRequest"
        opened.send(json.dumps({"op": "dance"}))
        assert hear(opened, "err")["code"] == "MalformedRequest"
        for number in range(70):
            say(
                opened, op="sub", topic=f"runs/{studio.made['living']}/log" if number == 0 else f"runs/none{number}/x/y"
            )
        say(opened, op="ping")
        hear(opened, "pong")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Cookie": ""}, 401),
        ({"Cookie": "zaffre_token=wrong"}, 401),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
    ids=str,
)
def test_sec_17_only_our_own_pages_may_listen(studio: Studio, headers: dict[str, str], status: int) -> None:
    with pytest.raises(InvalidStatus) as refused, socket(studio, **headers) as opened:
        opened.recv(timeout=5)
    assert refused.value.response.status_code == status


def test_sec_12_a_job_listens_to_its_own_workspace(studio: Studio) -> None:
    from zaffre.api.auth import sign_job
    from zaffre.plugins.vault.file_key import key_of

    token = sign_job(key_of(studio.place.home / "key"), "default", studio.made["living"])
    asked = {"Cookie": "", "Authorization": f"Bearer {token}"}
    with socket(studio, "default", **asked) as opened:
        say(opened, op="ping")
        hear(opened, "pong")
    with pytest.raises(InvalidStatus) as refused, socket(studio, "other", **asked):
        pass
    assert refused.value.response.status_code == 403


def test_sec_10_another_host_name_does_not_listen(studio: Studio) -> None:
    headers = {
        "host": "evil.example", "connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13",
        "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }  # fmt: skip
    assert studio.place.http.get("/api/workspaces/default/live", headers=headers).status_code == 403
