"""Deployments in real containers: of their own, and with our worker in them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import podman
import pytest
from live_endpoints import Place, serving_place, until
from podman import Podman

SERVER = """
import http.server, json, os, sys, time
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
        assert found("ps", "--all", "--quiet") == "", "a container was left behind"
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
            until(lambda: engine("ps", "--all", "--quiet") == "", 40)


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


def test_a_container_of_its_own_is_asked_at_its_routes(place: Place, engine: Podman) -> None:
    place.endpoint("half")
    made = deploy(place, "half", model=model_of(place), environment_variables={"BY": "a = b # c"})
    assert made.provisioning_state == "Succeeded"
    status, told, headers = place.post("half", {})
    assert (status, told["path"], told["by"]) == (200, "/v1/models/half:predict", "a = b # c")
    assert told["files"] == {"/var/azureml-app/azureml-models/half/7/half/weights.txt": "0.5"}
    assert headers["X-Of-Server"] == "yes"
