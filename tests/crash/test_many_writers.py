"""A thousand clients log at once, over connections of their own, to a real server on each database."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from test_metrics_survive import API, Server

CLIENTS, RUNS, ROUNDS = 1000, 20, 3


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path / "home")
    if request.param == "postgresql":
        url, name = request.getfixturevalue("postgres"), f"zaffre_{uuid.uuid4().hex}"
        administer = create_engine(url, isolation_level="AUTOCOMMIT")
        with administer.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        made.env["ZAFFRE_DATABASE"] = url.set(database=name).render_as_string(hide_password=False)
    made.start()
    yield made
    made.kill()
    if request.param == "postgresql":
        with administer.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        administer.dispose()


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: str, path: str, body: Any) -> Any:
    content = json.dumps(body).encode()
    writer.write(f"POST {API}{path} HTTP/1.1\r\n{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
    answer = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length"))
    said = json.loads(await reader.readexactly(int(length.split(b":")[1])))
    assert answer.startswith(b"HTTP/1.1 200"), said
    return said


async def _log(server: Server, token: str, run: str, client: int, ready: asyncio.Event, done: list[int]) -> None:
    """One metric at a time; each third round is a batch."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    head = f"Host: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
    await ready.wait()
    for step in range(ROUNDS):
        point = {"key": f"m{client % 50}", "value": client, "timestamp": client, "step": step}
        if step % 3:
            await _ask(reader, writer, head, "runs/log-batch", {"run_id": run, "metrics": [point]})
        else:
            await _ask(reader, writer, head, "runs/log-metric", {"run_id": run, **point})
        done[client] += 1
    writer.close()


async def _all(server: Server, token: str, runs: list[str]) -> list[int]:
    done, ready = [0] * CLIENTS, asyncio.Event()
    work = [asyncio.create_task(_log(server, token, runs[n % RUNS], n, ready, done)) for n in range(CLIENTS)]
    await asyncio.sleep(0.5)
    ready.set()
    await asyncio.wait_for(asyncio.gather(*work), 120)
    return done


def test_rel_10_a_thousand_writers_at_once_lose_nothing(server: Server) -> None:
    runs = [server.ask("POST", "runs/create", {"experiment_id": "0"})["run"]["info"]["run_id"] for _ in range(RUNS)]
    token = json.loads((server.home / "server.json").read_text())["token"]
    with ThreadPoolExecutor(1) as aside:  # another test's browser may keep an event loop in this thread
        written = aside.submit(asyncio.run, _all(server, token, runs)).result()
    assert written == [ROUNDS] * CLIENTS
    found = set()
    for number, run in enumerate(runs):
        keys = {item["key"] for item in server.ask("GET", f"runs/get?run_id={run}")["run"]["data"]["metrics"]}
        for key in keys:
            points = server.ask("GET", f"metrics/get-history?run_id={run}&metric_key={key}")["metrics"]
            assert len(points) == len({(item["timestamp"], item["step"]) for item in points})
            found |= {(number, int(item["value"]), item["step"]) for item in points}
    assert found == {(client % RUNS, client, step) for client in range(CLIENTS) for step in range(ROUNDS)}
