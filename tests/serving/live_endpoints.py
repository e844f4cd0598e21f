"""A real server with real endpoints, and scripts that behave and misbehave."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from zaffre import Workspace
from zaffre.app.platform import DATABASE_VARIABLE
from zaffre.base.home import Home
from zaffre.sdk.connect import launch, stop

ECHO = """
import json, os, time
def init():
    print("model dir", os.environ["AZUREML_MODEL_DIR"])
def run(data):
    asked = json.loads(data)
    if isinstance(asked, dict) and "sleep" in asked:
        time.sleep(asked["sleep"])
    if isinstance(asked, dict) and "exit" in asked:
        os._exit(asked["exit"])
    if isinstance(asked, dict) and "raise" in asked:
        raise ValueError("secret path " + __file__)
    return {"asked": asked, "by": os.environ.get("BY", "one")}
"""


@dataclass
class Place:
    home: Path
    folder: Path
    ws: Workspace
    keys: dict[str, str] = field(default_factory=dict)

    def code(self, name: str, text: str) -> str:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        (folder / "score.py").write_text(text)
        return str(folder)

    def endpoint(self, name: str, **more: Any) -> str:
        view = self.ws.online_endpoints.create_or_update({"name": name, **more})
        keys = self.ws.online_endpoints.get_keys(name)
        self.keys[name] = str(keys.primaryKey or keys.accessToken)
        return str(view.scoring_uri)

    def deploy(self, endpoint: str, name: str, text: str = ECHO, *, all_traffic: bool = True, **more: Any) -> Any:
        code = {"code": self.code(f"{endpoint}-{name}", text), "scoring_script": "score.py"}
        spec = {"name": name, "endpoint_name": endpoint, "code_configuration": code, **more}
        return self.ws.online_deployments.begin_create_or_update(spec, all_traffic=all_traffic).result()

    def post(self, endpoint: str, body: Any, path: str = "score", **headers: str) -> tuple[int, Any, Any]:
        """(status, what the JSON says, headers)."""
        parts = urlsplit(str(self.ws.online_endpoints.get(endpoint).scoring_uri))
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {self.keys[endpoint]}", "Content-Type": "application/json",
                **{key.replace("_", "-"): value for key, value in headers.items()}}  # fmt: skip
        connection.request("POST", parts.path.replace("/score", f"/{path}"), content, sent)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text) if text else None, answer.headers

    def address(self, endpoint: str) -> tuple[str, int]:
        parts = urlsplit(str(self.ws.online_endpoints.get(endpoint).scoring_uri))
        return str(parts.hostname), int(parts.port or 0)


def until(call: Any, seconds: float = 60.0) -> Any:
    """The first true answer."""
    end = time.monotonic() + seconds
    while not (found := call()):
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)
    return found


@contextlib.contextmanager
def serving_place(folder: Path, flags: Sequence[str] = ()) -> Iterator[Place]:
    os.environ.pop(DATABASE_VARIABLE, None)
    home = folder / "home"
    home.mkdir(mode=0o700)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "zaffre-tests" / "environments"
    cache.mkdir(parents=True, exist_ok=True)
    (home / "environments").symlink_to(cache)
    launch(Home(home), flags)
    with Workspace.from_home(home, start=False) as ws:
        found = Place(home, folder, ws)
        yield found
        for endpoint in list(found.ws.online_endpoints.list()):
            found.ws.online_endpoints.delete(endpoint.name)
        until(lambda: not list((home / "serving/s").glob("*.sock")))
    stop(Home(home))
    with contextlib.suppress(ProcessLookupError, FileNotFoundError):  # without an endpoint there was no gateway
        os.kill(json.loads((home / "serving/gateway.json").read_text())["pid"], 15)
