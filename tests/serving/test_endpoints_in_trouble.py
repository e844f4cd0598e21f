"""What goes wrong while an endpoint serves: workers and servers that die, models that are bad, overload."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from live_endpoints import ECHO, Place, until

from zaffre import Workspace
from zaffre.app.platform import DATABASE_VARIABLE
from zaffre.base.errors import Conflict
from zaffre.base.home import Home
from zaffre.engine.serving import files
from zaffre.sdk.connect import launch

BAD = ECHO.replace("asked = json.loads(data)", "raise KeyError('column')")


class Load:
    """Callers that never stop asking; every answer is kept."""

    def __init__(self, place: Place, endpoint: str, callers: int = 4) -> None:
        import http.client

        self.statuses: dict[int, int] = {}
        self.bodies: set[str] = set()
        self._end = False
        host, port = place.address(endpoint)
        headers = {"Authorization": f"Bearer {place.keys[endpoint]}", "Content-Type": "application/json"}

        def call() -> None:
            connection = http.client.HTTPConnection(host, port, timeout=60)
            while not self._end:
                connection.request("POST", f"/endpoints/default/{endpoint}/score", b"{}", headers)
                answer = connection.getresponse()
                text = answer.read()
                self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
                if answer.status == 200:
                    self.bodies.add(json.loads(text)["by"])
                time.sleep(0.001)
            connection.close()

        self._threads = [threading.Thread(target=call) for _ in range(callers)]
        for thread in self._threads:
            thread.start()

    def end(self) -> dict[int, int]:
        self._end = True
        for thread in self._threads:
            thread.join()
        return self.statuses


def server_pid(place: Place) -> int:
    return int(json.loads((place.home / "server.json").read_text())["pid"])


def test_rel_17_a_swap_and_a_kill_of_the_server_lose_no_request(place: Place) -> None:
    place.endpoint("swapped")
    place.deploy("swapped", "blue", environment_variables={"BY": "one"})
    load = Load(place, "swapped")
    time.sleep(0.3)
    for name in ("two", "three"):
        place.ws.online_deployments.update("blue", "swapped", {"environment_variables": {"BY": name}})
    os.kill(server_pid(place), signal.SIGKILL)
    time.sleep(1.0)
    launch(Home(place.home))
    place.ws.close()
    place.ws = type(place.ws).from_home(place.home, start=False)
    place.deploy("swapped", "green", environment_variables={"BY": "four"})
    until(lambda: "four" in load.bodies)
    statuses = load.end()
    assert set(statuses) == {200}, statuses
    assert load.bodies == {"one", "two", "three", "four"}
    assert "went on meanwhile" in place.ws.online_deployments.get_logs("blue", "swapped")


def test_rel_17_a_bad_model_goes_back_by_itself(place: Place) -> None:
    place.endpoint("careful")
    place.deploy("careful", "blue")
    place.deploy("careful", "green", BAD, all_traffic=False)
    for _ in range(10):
        place.post("careful", {})
    until(lambda: True)
    time.sleep(0.6)
    place.ws.online_endpoints.update("careful", {"traffic": {"green": 100}})
    began = time.monotonic()
    load = Load(place, "careful", 2)
    view = until(lambda: (v := place.ws.online_endpoints.get("careful")).traffic == {"blue": 100} and v)
    took = time.monotonic() - began
    load.end()
    assert took < 5
    assert "rolled back" in view.message
    assert "requests failed" in next(iter(place.ws.online_endpoints.history("careful"))).reason
    until(lambda: place.post("careful", {})[0] == 200)


def test_rel_17_a_bad_update_goes_back_to_what_ran_before(place: Place) -> None:
    place.endpoint("updated-badly")
    place.deploy("updated-badly", "blue")
    for _ in range(10):
        place.post("updated-badly", {})
    time.sleep(0.6)
    place.deploy("updated-badly", "blue", BAD)
    load = Load(place, "updated-badly", 2)
    until(lambda: load.statuses.get(200, 0) > 20)
    statuses = load.end()
    assert statuses.get(500, 0) > 0
    assert place.post("updated-badly", {})[0] == 200
    assert "what ran before takes over again" in place.ws.online_deployments.get_logs("blue", "updated-badly")


def test_a_script_that_raises_and_one_that_exits_are_told_apart(place: Place) -> None:
    place.endpoint("wild")
    place.deploy("wild", "blue")
    status, told, _ = place.post("wild", {"raise": 1})
    assert (status, told["error"]["code"]) == (500, "ModelFailed")
    assert "secret" not in json.dumps(told)
    assert "secret path" in place.ws.online_deployments.get_logs("blue", "wild")
    status, told, _ = place.post("wild", {"exit": 3})
    assert (status, told["error"]["code"]) == (502, "WorkerDied")
    assert place.post("wild", {"x": 1})[0] == 200  # held until the next worker is there
    assert "status 3" in place.ws.online_deployments.get_logs("blue", "wild")


def test_a_killed_worker_and_a_killed_gateway_are_replaced(place: Place) -> None:
    place.endpoint("killed")
    place.deploy("killed", "blue")
    for task in json.loads((place.home / "serving/default/killed/blue/state.json").read_text())["workers"]:
        os.killpg(task["handle"]["pid"], signal.SIGKILL)
    time.sleep(0.1)  # what a worker has begun when it is killed is lost with it, and told with 502
    assert place.post("killed", {"x": 1})[0] == 200
    gateway = place.home / "serving/gateway.json"
    before = json.loads(gateway.read_text())
    os.kill(before["pid"], signal.SIGKILL)
    until(lambda: json.loads(gateway.read_text())["pid"] != before["pid"])
    assert json.loads(gateway.read_text())["port"] == before["port"]
    assert until(lambda: _tried(lambda: place.post("killed", {"x": 1})[0])) == 200


def _tried(call: Any) -> Any:
    try:
        return call()
    except OSError:
        return None


def test_rel_18_overload_is_told_with_429_and_when_to_come_back(place: Place) -> None:
    place.endpoint("full")
    settings = {"request_timeout_ms": 20_000, "max_queue_wait_ms": 200}
    place.deploy("full", "blue", request_settings=settings)
    answers: list[tuple[int, Any, Any]] = []
    threads = [threading.Thread(target=lambda: answers.append(place.post("full", {"sleep": 0.3}))) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    statuses = {status for status, _, _ in answers}
    assert statuses == {200, 429}
    assert all(headers["retry-after"] for status, _, headers in answers if status == 429)
    assert place.post("full", {})[0] == 200


def test_a_request_that_takes_too_long_gets_an_answer(place: Place) -> None:
    place.endpoint("slow")
    place.deploy("slow", "blue", request_settings={"request_timeout_ms": 300})
    status, told, _ = place.post("slow", {"sleep": 1.5})
    assert (status, told["error"]["code"]) == (504, "Timeout")
    until(lambda: place.post("slow", {})[0] == 200)


def test_a_worker_is_bounded_in_memory(place: Place) -> None:
    greedy = "held = []\ndef init(): pass\ndef run(x):\n    held.append(bytearray(300 << 20))\n    return len(held)"
    place.endpoint("greedy")
    place.deploy("greedy", "blue", greedy, resources={"limits": {"memory": "200Mi"}}, type="kubernetes")
    assert place.post("greedy", {})[0] in (200, 507)
    until(lambda: "its limit is 200 MB" in place.ws.online_deployments.get_logs("blue", "greedy"))
    until(lambda: place.post("greedy", {})[1] == 1)


def test_the_owner_finds_logs_after_the_deployment_failed(place: Place) -> None:
    place.endpoint("told")
    with pytest.raises(Conflict, match="ZeroDivisionError"):
        place.deploy("told", "blue", "def init():\n    print('so far')\n    1/0\ndef run(x): return x")
    log = place.ws.online_deployments.get_logs("blue", "told", lines=30)
    assert "so far" in log
    assert "ZeroDivisionError" in log


def restart(place: Place) -> None:
    launch(Home(place.home))
    place.ws.close()
    place.ws = type(place.ws).from_home(place.home, start=False)


def test_rel_17_a_server_killed_before_it_published_a_swap_loses_no_request(place: Place) -> None:
    place.endpoint("between")
    place.deploy("between", "blue", environment_variables={"BY": "one"})
    routes = place.home / "serving/routes.json"
    before = routes.read_text()
    place.ws.online_deployments.update("blue", "between", {"environment_variables": {"BY": "two"}})
    until(lambda: place.post("between", 1)[1]["by"] == "two")
    port = place.address("between")
    os.kill(server_pid(place), signal.SIGKILL)
    staged = routes.with_suffix(".new")
    staged.write_text(before)  # as it lay there when the server had noted the swap, and not yet told the gateway
    staged.replace(routes)
    time.sleep(0.6)
    answers: list[Any] = []

    def ask() -> None:
        connection = http.client.HTTPConnection(*port, timeout=60)
        headers = {"Authorization": f"Bearer {place.keys['between']}"}
        connection.request("POST", "/endpoints/default/between/score", json.dumps({"sleep": 4}), headers)
        answers.append((answer := connection.getresponse()).status)
        answers.append(json.loads(answer.read())["by"])

    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(0.3)
    restart(place)
    asking.join()
    assert answers == [200, "one"]
    assert place.post("between", 1)[1]["by"] == "two"


def end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    until(lambda: ended(pid))


def ended(pid: int) -> bool:
    """A zombie has ended too: it waits for whoever started it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.parametrize(
    ("dead", "harm"),
    [("gateway", ""), ("workers", ""), ("gateway workers", ""), ("gateway", "{}"), ("gateway workers", "socket")],
)
def test_rel_17_whatever_dies_while_the_server_is_down_serves_again_with_it(place: Place, dead: str, harm: str) -> None:
    if "lasting" not in {one.name for one in place.ws.online_endpoints.list()}:
        place.endpoint("lasting")
        place.deploy("lasting", "blue")
    until(lambda: _tried(lambda: place.post("lasting", 1)[0] == 200))
    port = place.address("lasting")[1]
    serving = place.home / "serving"
    gateway = json.loads((serving / "gateway.json").read_text())["pid"]
    workers = json.loads((serving / "default/lasting/blue/state.json").read_text())["workers"]
    end(server_pid(place))
    if "gateway" in dead:
        end(gateway)
    for task in workers if "workers" in dead else ():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(task["handle"]["pid"], signal.SIGKILL)
    if harm == "{}":
        (serving / "gateway.json").write_text("{}")  # then nobody knows its port any more
    elif harm == "socket":
        (serving / "gateway.sock").unlink()
    restart(place)
    assert until(lambda: _tried(lambda: place.post("lasting", 1)[0]) == 200)
    if harm != "{}":
        assert place.address("lasting")[1] == port
    assert (json.loads((serving / "gateway.json").read_text())["pid"] == gateway) == ("gateway" not in dead)


@pytest.mark.slow
def test_a_worker_that_no_server_noted_ends(place: Place) -> None:
    place.endpoint("orphan")
    place.deploy("orphan", "blue")
    state = next(path for path in place.home.rglob("state.json") if path.parts[-3:-1] == ("orphan", "blue"))
    lost = json.loads(state.read_text())["workers"][0]["path"]
    os.kill(server_pid(place), signal.SIGKILL)
    time.sleep(0.3)
    state.unlink()
    restart(place)
    until(lambda: not (place.home / "serving" / lost).exists())
    assert until(lambda: place.post("orphan", 1)[0] == 200)


def test_a_server_that_stops_does_not_wait_for_what_it_prepares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(DATABASE_VARIABLE, raising=False)
    began, cancelled = threading.Event(), threading.Event()

    def endless(_ctx: Any, _record: Any, _run: Any, _folder: Any, _say: Any, is_cancelled: Any) -> Any:
        began.set()
        until(is_cancelled)
        cancelled.set()
        raise Conflict("cancelled")

    monkeypatch.setattr(files, "prepare", endless)
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    with Workspace.local(home) as ws:
        place = Place(home, tmp_path, ws)
        place.endpoint("slow")
        code = {"code": place.code("slow", ECHO), "scoring_script": "score.py"}
        ws.online_deployments.create_or_update({"name": "blue", "endpoint_name": "slow", "code_configuration": code})
        assert began.wait(60)
        assert not cancelled.is_set()
    try:
        assert cancelled.wait(10)
    finally:
        os.kill(json.loads((home / "serving/gateway.json").read_text())["pid"], signal.SIGTERM)
