"""What serves is handed on, ended, and started again."""

from __future__ import annotations

import http.client
import json
import os
import threading
import time
from pathlib import Path

import pytest
from live_endpoints import Place, until

from zaffre.base.home import Home
from zaffre.cli.main import main
from zaffre.engine.serving import gateway as serving
from zaffre.engine.serving.gateway import Gateway
from zaffre.sdk.connect import launch


def test_rel_17_a_newer_gateway_takes_over_and_nobody_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "routes.json").write_text('{"generation": 1, "endpoints": {}}')
    first = Gateway(tmp_path, "127.0.0.1", 0, lambda _: None)
    port = first.ensure()
    former = int(first.pid or 0)
    failures: list[object] = []
    asked = [0]
    stop = threading.Event()

    def ask(fresh: bool) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        while not stop.is_set():
            try:
                connection.request("GET", "/")
                answer = connection.getresponse()
                answer.read()
                asked[0] += 1
                if answer.status != 200:
                    failures.append(answer.status)
                if fresh:
                    connection.close()
            except (OSError, http.client.HTTPException) as error:
                failures.append(error)
                connection.close()
            time.sleep(0.002)
        connection.close()

    threads = [threading.Thread(target=ask, args=(fresh,)) for fresh in (True, True, False, False)]
    for thread in threads:
        thread.start()
    idle = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    idle.request("GET", "/")
    idle.getresponse().read()
    time.sleep(0.3)
    first.close()
    monkeypatch.setattr(serving, "__version__", "another")
    second = Gateway(tmp_path, "127.0.0.1", 0, lambda _: None)
    try:
        assert second.ensure() == port
        assert second.pid != former
        time.sleep(0.5)
        idle.request("GET", "/")  # a connection that was open before gets one more answer, and is told to close
        answer = idle.getresponse()
        assert (answer.status, answer.getheader("connection")) == (200, "close")
        answer.read()
        until(lambda: not Path(f"/proc/{former}/cmdline").exists() or not Path(f"/proc/{former}/cmdline").read_bytes())
        assert (tmp_path / "gateway.sock").exists()
        time.sleep(0.2)
        stop.set()
        for thread in threads:
            thread.join()
        assert not failures
        assert asked[0] > 100
    finally:
        stop.set()
        second.end()
        idle.close()


def test_down_ends_endpoints_where_it_is_asked_to_and_up_starts_them(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    place.endpoint("rests")
    place.deploy("rests", "blue")
    port = place.address("rests")[1]
    gateway = json.loads((place.home / "serving/gateway.json").read_text())["pid"]

    def down(*flags: str) -> str:
        assert main(["down", "--home", str(place.home), *flags]) in (0, None)
        return capsys.readouterr().err

    place.ws.close()
    assert "zaffre down --endpoints" in down()
    os.kill(gateway, 0)
    assert "ended" in down("--endpoints")
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection("127.0.0.1", port).connect()
    assert not list((place.home / "serving/s").glob("*.sock"))
    launch(Home(place.home))
    place.ws = type(place.ws).from_home(place.home, start=False)
    assert place.address("rests")[1] == port
    assert until(lambda: place.post("rests", 1)[0] == 200)
