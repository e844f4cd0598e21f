"""Deployments in real containers: of their own, and with our worker in them."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import podman
import pytest
from live_endpoints import Place, serving_place, until
from podman import Podman, nothing_left

from zaffre import Workspace
from zaffre.base.errors import Conflict, InvalidRequest
from zaffre.base.home import Home
from zaffre.engine.serving.down import down
from zaffre.sdk.connect import launch, stop

SERVER = """
import http.server, json, os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
print("the server of the image starts", flush=True)
if os.environ.get("FAIL"):
    sys.exit("nothing here can work")
STATE = {"live": True}

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def tell(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Of-Server", "yes")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/live":
            return self.tell(200 if STATE["live"] else 500, {})
        if self.path == "/ready":
            return self.tell(500 if os.environ.get("NEVER") else 200, {})
        self.tell(200, {"got": self.path})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        asked = json.loads(body or b"{}")
        if asked.get("end"):
            os._exit(3)
        if asked.get("sick"):
            STATE["live"] = False
        if asked.get("fail"):
            return self.tell(418, {"teapot": True})
        if asked.get("hang_up"):
            self.close_connection = True
            return self.wfile.flush()
        time.sleep(asked.get("sleep", 0))
        told = {"path": self.path, "by": os.environ.get("BY"), "headers": {k.lower(): v for k, v in self.headers.items()}}
        folder = os.environ["AZUREML_MODEL_DIR"]
        told["files"] = {os.path.join(at, n): open(os.path.join(at, n)).read() for at, _, ns in os.walk(folder) for n in ns}
        if asked.get("write"):
            try:
                open(asked["write"], "w").close()
                told["written"] = True
            except OSError as error:
                told["written"] = type(error).__name__
        self.tell(200, told)

http.server.ThreadingHTTPServer(("127.0.0.1", 8501), Handler).serve_forever()
"""
ROUTES = {
    "liveness_route": {"path": "/live", "port": 8501},
    "readiness_route": {"path": "/ready", "port": 8501},
    "scoring_route": {"path": "/v1/models/half:predict", "port": 8501},
}
IMAGE = "localhost/server:test"
pytestmark = pytest.mark.timeout(900)  # the first test makes images as well


@pytest.fixture(scope="module")
def engine() -> Iterator[Podman]:
    """podman with a store of its own, an image with this Python, and one with a server."""
    if reason := podman.missing():
        if os.environ.get("ZAFFRE_REQUIRE_PODMAN") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    found = Podman(Path(tempfile.mkdtemp(prefix="zaffre-podman-")))
    try:
        context = found.folder / "server"
        context.mkdir()
        (context / "server.py").write_text(SERVER)
        (context / "Dockerfile").write_text(
            f'FROM {found.base()}\nCOPY server.py /server.py\nCMD ["python3", "-u", "/server.py"]\n'
        )
        found("build", "-q", "--network", "none", "-t", IMAGE, ".", cwd=context)
        yield found
    finally:
        found.close()


@pytest.fixture(scope="module")
def place(engine: Podman, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF"):
            patch.setenv(name, engine.environ[name])
        with serving_place(tmp_path_factory.mktemp("containers")) as found:
            yield found
            for endpoint in list(found.ws.online_endpoints.list()):
                found.ws.online_endpoints.delete(endpoint.name)
            nothing_left(engine)


def model_of(place: Place, text: str = "0.5") -> dict[str, str]:
    folder = place.folder / "half"
    folder.mkdir(exist_ok=True)
    (folder / "weights.txt").write_text(text)
    return {"name": "half", "version": "7", "path": str(folder)}


def deploy(place: Place, endpoint: str, name: str = "blue", **more: Any) -> Any:
    spec = {
        "name": name, "endpoint_name": endpoint, "environment": {"image": IMAGE, "inference_config": ROUTES}, **more,
    }  # fmt: skip
    return place.ws.online_deployments.begin_create_or_update(spec, all_traffic=True).result()


def refused(place: Place, endpoint: str, **more: Any) -> str:
    """Why it failed, for the owner."""
    with pytest.raises(Conflict) as failed:
        deploy(place, endpoint, **more)
    assert failed.value.code == "DeploymentFailed"
    return failed.value.message


def boxes(engine: Podman, *words: str) -> list[dict[str, Any]]:
    """What the engine says of each of the server's containers that runs."""
    names = engine("ps", "--quiet", "--filter", "label=zaffre.home", *words).split()
    return list(json.loads(engine("inspect", *names, check=False) or "[]")) if names else []  # one may be gone by now


def of(engine: Podman, endpoint: str, name: str = "blue") -> list[dict[str, Any]]:
    return boxes(engine, "--filter", f"label=zaffre.deployment=default/{endpoint}/{name}")


@pytest.fixture(scope="module")
def half(place: Place, engine: Podman) -> str:
    place.endpoint("half")
    made = deploy(
        place, "half", model=model_of(place), environment_variables={"BY": "a = b # c", "LD_PRELOAD": "/none.so"},
        resources={"limits": {"cpu": "500m", "memory": "256Mi"}},
        request_settings={"max_concurrent_requests_per_instance": 4},
    )  # fmt: skip
    assert made.provisioning_state == "Succeeded", made.message
    (box,) = of(engine, "half")
    owner = box["Config"]["Labels"]["zaffre.home"]
    words = ("--network", "none", "--label", f"zaffre.home={owner}", "--name", "zaffre-stray", IMAGE)
    engine("run", "--detach", "--rm", *words)  # as a server that died at the wrong moment may leave it
    return "half"


def test_a_container_of_its_own_is_asked_at_its_routes(place: Place, half: str) -> None:
    status, told, headers = place.post(half, {}, x_mine="here")
    assert (status, told["path"], told["by"]) == (200, "/v1/models/half:predict", "a = b # c")
    assert told["files"] == {"/var/azureml-app/azureml-models/half/7/half/weights.txt": "0.5"}
    assert headers["X-Of-Server"] == "yes"
    assert told["headers"]["x-mine"] == "here"
    assert "authorization" not in told["headers"], "the key of the endpoint is the gateway's"
    assert place.post(half, {}, "v1/models/half:predict")[1]["path"] == "/v1/models/half:predict"
    assert place.post(half, {}, "v1/models/half:predict/more?a=1")[1]["path"] == "/v1/models/half:predict/more?a=1"
    assert place.post(half, {"fail": 1})[:2] == (418, {"teapot": True})
    assert place.post(half, {"hang_up": 1})[0] == 502
    assert place.post(half, {})[0] == 200
    assert "the server of the image starts" in log_of(place, half)


def test_sec_21_other_addresses_of_a_container_are_not_reached(place: Place, half: str) -> None:
    beyond = ("v1/models/half:predict-admin", "v1/models/half:predict/../../../live")
    for path in ("live", "v1/models", *beyond, "v1/models/half:predict/%2e%2e/live"):
        status, told, _ = place.post(half, {}, path)
        assert status in (400, 404), path
        assert "error" in told


def test_sec_21_a_container_has_no_network_and_few_rights(place: Place, engine: Podman, half: str) -> None:
    (box,) = of(engine, half)
    config = box["HostConfig"]
    assert (config["NetworkMode"], config["Privileged"], config["AutoRemove"]) == ("none", False, True)
    assert "no-new-privileges" in config["SecurityOpt"]
    assert config["PidsLimit"] > 0
    assert (config["Memory"], config["NanoCpus"]) == (256 << 20, 500_000_000)
    assert not {"CAP_SYS_ADMIN", "CAP_NET_RAW", "CAP_SYS_CHROOT"} & set(box["EffectiveCaps"])
    (mount,) = box["Mounts"]
    assert (mount["Destination"], mount["RW"]) == ("/var/azureml-app/azureml-models/half/7/half", False)
    assert engine("exec", box["Id"], "python3", "-c", "import os; print(*os.listdir('/sys/class/net'))") == "lo"
    target = "/var/azureml-app/azureml-models/half/7/half/new"
    assert place.post(half, {"write": target})[1]["written"] == "OSError"
    words = Path(f"/proc/{box['State']['ConmonPid']}/cmdline").read_bytes()
    assert b"a = b # c" not in words


def test_a_change_is_swapped_without_losing_a_request(place: Place, engine: Podman) -> None:
    place.endpoint("swapped")
    assert deploy(place, "swapped", environment_variables={"BY": "one"}).provisioning_state == "Succeeded"
    answers: list[tuple[int, str]] = []
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            status, told, _ = place.post("swapped", {})
            answers.append((status, told.get("by")))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        assert deploy(place, "swapped", environment_variables={"BY": "two"}).provisioning_state == "Succeeded"
        until(lambda: answers and answers[-1][1] == "two")
    finally:
        over.set()
        thread.join()
    assert {status for status, _ in answers} == {200}
    said = [by for _, by in answers]
    assert set(said) == {"one", "two"}
    assert said == sorted(said), "what took over is not left again"
    place.ws.online_endpoints.rollback("swapped")
    until(lambda: place.post("swapped", {})[1]["by"] == "one", 120)
    reason = refused(place, "swapped", environment_variables={"BY": "three", "FAIL": "1"})
    assert "the container ended with status 1" in reason
    assert "nothing here can work" in log_of(place, "swapped")
    assert place.post("swapped", {})[1]["by"] == "one"


def test_rel_06_containers_outlive_the_server(place: Place, engine: Podman, half: str) -> None:
    (before,) = of(engine, half)
    scored = str(place.ws.online_endpoints.get(half).scoring_uri)
    os.kill(json.loads((place.home / "server.json").read_text())["pid"], signal.SIGKILL)
    assert score(scored, place.keys[half]) == 200
    launch(Home(place.home))
    place.ws = Workspace.from_home(place.home, start=False)
    assert place.post(half, {})[0] == 200
    (after,) = of(engine, half)
    assert (before["Id"], before["State"]["Pid"]) == (after["Id"], after["State"]["Pid"])


@pytest.mark.parametrize(
    "how",
    ["its server ends", "the container is killed", "its keeper is killed", "its keeper is killed while none looks"],
)
def test_what_ends_is_started_anew_and_nothing_is_left(place: Place, engine: Podman, half: str, how: str) -> None:
    (before,) = until(lambda: [found] if len(found := of(engine, half)) == 1 else None, 120)[0]
    if how == "its server ends":
        assert place.post(half, {"end": True})[0] == 502
    elif how == "the container is killed":
        engine("kill", before["Id"])
    else:
        (state,) = (place.home / "serving/default/half").glob("*/state.json")
        (worker,) = [one for one in json.loads(state.read_text())["workers"] if one["container"] == before["Name"]]
        children = Path(f"/proc/{worker['handle']['pid']}/task/{worker['handle']['pid']}/children").read_text()
        if how.endswith("none looks"):
            stop(Home(place.home))
        os.kill(int(children.split()[0]), signal.SIGKILL)
        if how.endswith("none looks"):
            launch(Home(place.home))
            place.ws = Workspace.from_home(place.home, start=False)
    until(lambda: [box["Id"] for box in of(engine, half)] not in ([], [before["Id"]]), 120)
    until(lambda: before["Id"] not in engine("ps", "--all", "--no-trunc", "--quiet").split(), 120)
    assert place.post(half, {})[0] == 200, "a request waits for the new one"


def test_one_that_is_sick_is_replaced(place: Place, engine: Podman) -> None:
    place.endpoint("sick")
    probe = {"initial_delay": 0, "period": 1, "timeout": 5, "failure_threshold": 2}
    assert deploy(place, "sick", liveness_probe=probe).provisioning_state == "Succeeded"
    (before,) = of(engine, "sick")
    assert place.post("sick", {"sick": True})[0] == 200
    until(lambda: [box["Id"] for box in of(engine, "sick")] not in ([], [before["Id"]]), 120)
    assert place.post("sick", {})[0] == 200
    assert "does not answer /live any more (status 500)" in log_of(place, "sick")


def test_what_cannot_come_up_says_why(place: Place) -> None:
    place.endpoint("never")
    elsewhere = {"image": "registry.example.com/team/app:1", "inference_config": ROUTES}
    assert refused(place, "never", environment=elsewhere).endswith(
        "image registry.example.com/team/app:1 is not present and cannot be pulled: this server pulls from no registry"
    )
    quick = {"initial_delay": 0, "period": 1, "failure_threshold": 3}
    reason = refused(place, "never", environment_variables={"NEVER": "1"}, readiness_probe=quick)
    assert "the container was not ready within 3 s" in reason
    for environment, wanted in (
        ({"image": "--privileged", "inference_config": ROUTES}, "no name of an image"),
        ({"image": "oci:/etc", "inference_config": ROUTES}, "no name of an image"),
        (
            {"image": IMAGE, "conda_file": {"dependencies": ["r-base"]}, "inference_config": ROUTES},
            "nothing is installed",
        ),
    ):
        with pytest.raises(InvalidRequest, match=wanted):
            deploy(place, "never", environment=environment)
    for more, wanted in (
        ({"environment_variables": {"A": "1\nLD_PRELOAD=/tmp/x.so"}}, "line break"),
        ({"environment_variables": {"A B": "1"}}, "no name of a variable"),
        ({"model_mount_path": "/proc", "model": model_of(place)}, "no folder for models"),
        ({"model_mount_path": "/a/../..", "model": model_of(place)}, "no folder for models"),
        ({"properties": {"zaffre.container": "maybe"}}, "true or false"),
    ):
        with pytest.raises(InvalidRequest, match=wanted):
            deploy(place, "never", **more)


def test_an_image_is_built_from_its_context_with_its_log(place: Place, engine: Podman) -> None:
    context = place.folder / "context"
    context.mkdir()
    (context / "extra.txt").write_text("extra")
    (context / "serve.dockerfile").write_text(f"FROM {IMAGE}\nARG WHO\nENV BY=$WHO\nCOPY extra.txt /extra.txt\n")
    build = {"path": str(context), "dockerfile_path": "serve.dockerfile", "args": {"WHO": "the build"}}
    place.endpoint("built")
    environment = {"build": build, "inference_config": ROUTES}
    assert deploy(place, "built", environment=environment).provisioning_state == "Succeeded"
    assert place.post("built", {})[1]["by"] == "the build"
    lines = log_of(place, "built")
    assert "STEP 4/4: COPY extra.txt /extra.txt" in lines
    assert deploy(place, "built", "green", environment=environment).provisioning_state == "Succeeded"
    assert "was built before" in log_of(place, "built", "green")
    (context / "serve.dockerfile").write_text(f"FROM {IMAGE}\nCOPY nothing.txt /\n")
    reason = refused(place, "built", environment={"build": {**build, "args": {}}, "inference_config": ROUTES})
    assert "the image cannot be built" in reason
    assert "nothing.txt" in reason
    assert str(place.home) not in reason
    (context / "serve.dockerfile").write_text("FROM quay.io/other/image:1\n")
    reason = refused(place, "built", environment={"build": {**build, "args": {}}, "inference_config": ROUTES})
    assert "image quay.io/other/image:1 is not present and cannot be pulled" in reason


SCRIPT = """
import os, socket, sys
def init(): print("init in", os.getcwd(), os.getuid(), sorted(os.listdir(os.environ["AZUREML_MODEL_DIR"])))
def run(data):
    told = {"data": data, "uid": os.getuid(), "net": os.listdir("/sys/class/net"), "by": os.environ.get("BY")}
    for place in ("/new", os.environ["AZUREML_MODEL_DIR"] + "/half/new", "/tmp/new", __file__):
        try:
            open(place, "a").close()
            told[place] = True
        except OSError as error:
            told[place] = False
    return told
"""


def test_our_worker_runs_in_a_container_where_the_deployment_says_so(place: Place, engine: Podman) -> None:
    place.endpoint("inside")
    made = place.deploy(
        "inside", "blue", SCRIPT, environment={"image": "localhost/python:test"}, model=model_of(place),
        environment_variables={"BY": "me"}, properties={"zaffre.container": True},
    )  # fmt: skip
    assert made.provisioning_state == "Succeeded", made.message
    status, told, _ = place.post("inside", [1, 2])
    assert (status, told["data"], told["by"]) == (200, "[1, 2]", "me")
    assert (told["uid"], told["net"], told["/tmp/new"]) == (65534, ["lo"], True)
    assert not told["/new"]
    assert not told["/var/azureml-app/azureml-models/half/7/half/new"]
    assert not told["/var/azureml-app/code/score.py"]
    (box,) = of(engine, "inside")
    assert box["HostConfig"]["ReadonlyRootfs"]
    assert not box["EffectiveCaps"]
    with pytest.raises(Conflict, match="the scoring script could not be imported: ModuleNotFoundError"):
        place.deploy(
            "inside", "blue", "import not_there", environment={"image": "localhost/python:test"},
            properties={"zaffre.container": True},
        )  # fmt: skip
    assert place.post("inside", 1)[0] == 200


def test_a_script_needs_no_container_where_a_virtual_environment_stands_for_the_image(place: Place) -> None:
    place.endpoint("plain")
    made = place.deploy(
        "plain", "blue", environment={"image": "python:3.11", "inference_config": ROUTES},
        environment_variables={"BY": "the machine"},
    )  # fmt: skip
    assert made.provisioning_state == "Succeeded", made.message
    assert place.post("plain", {})[1]["by"] == "the machine"


def test_a_container_that_nobody_looks_after_is_removed(engine: Podman, half: str) -> None:
    until(lambda: "zaffre-stray" not in engine("ps", "--all", "--format", "{{.Names}}").split(), 120)


def test_endpoints_that_end_leave_no_container(place: Place, engine: Podman, half: str) -> None:
    """The last of this module: everything stops, and comes again."""
    scored = str(place.ws.online_endpoints.get(half).scoring_uri)
    stop(Home(place.home))
    assert score(scored, place.keys[half]) == 200
    down(place.home / "serving")
    nothing_left(engine)
    launch(Home(place.home))
    place.ws = Workspace.from_home(place.home, start=False)
    until(lambda: of(engine, half), 120)
    assert place.post(half, {})[0] == 200


def score(address: str, key: str) -> int:
    """Without asking the server anything."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(address, b"{}", headers), timeout=30) as answer:
        return int(answer.status)


def log_of(place: Place, endpoint: str, name: str = "blue") -> str:
    return (place.home / f"serving/default/{endpoint}/{name}/log.txt").read_text()
