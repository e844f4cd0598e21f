"""From settings to a running service, and to its end."""

from __future__ import annotations

import argparse
import ipaddress
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
from typing import Any

from .front import Server
from .workers import Pool

BAD_SETTINGS = 64
DRAIN_S = 30.0
STOP_S = 5.0
KEY, KEY_FILE = "ZAFFRE_SCORING_KEY", "ZAFFRE_SCORING_KEY_FILE"


def main(words: list[str], folder: str) -> int:
    with open(os.path.join(folder, "package.json"), encoding="utf-8") as file:
        package = json.load(file)
    given = _settings(words, package)
    key = _key()
    if key is None and not _is_loopback(given.host):
        print(f"to listen on {given.host} a key is needed: set {KEY}, or {KEY_FILE}", file=sys.stderr)
        return BAD_SETTINGS
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    place = tempfile.mkdtemp(prefix="zaffre-")
    try:
        return _serve(package, folder, place, given, key, stop)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _serve(package: dict[str, Any], folder: str, place: str, given: Any, key: str | None, stop: threading.Event) -> int:
    pool = Pool(_config(package, folder), package["limits"], _environ(package, folder, place), place, given.workers)
    try:
        server = Server((given.host, given.port), pool, package, key)
    except OSError as error:
        print(f"{given.host}:{given.port}: {error.strerror or error}", file=sys.stderr)
        return BAD_SETTINGS
    pool.start()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    shown = f"[{given.host}]" if ":" in given.host else given.host
    print(f"{package['name']}:{package['version']} at http://{shown}:{server.server_address[1]}/score", flush=True)
    while not stop.wait(0.1):
        if pool.failed is not None:
            code, cause = pool.failed
            print(cause, file=sys.stderr, flush=True)
            pool.stop(STOP_S)
            return code
    print("asked to end: what was begun is answered", flush=True)
    server.drain(DRAIN_S)
    pool.stop(STOP_S)
    return 0


def _settings(words: list[str], package: dict[str, Any]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=f"Serve {package['name']}:{package['version']}.")
    environ = os.environ.get
    parser.add_argument("--host", default=environ("ZAFFRE_HOST", "127.0.0.1"), help="where to listen (127.0.0.1)")
    parser.add_argument("--port", type=int, default=environ("ZAFFRE_PORT", "5001"), help="port (5001; 0: any)")
    parser.add_argument(
        "--workers", type=int, default=environ("ZAFFRE_WORKERS", str(package["workers"])), help="model processes"
    )
    given = parser.parse_args(words)
    if not 1 <= given.workers <= 64:
        parser.error("--workers: 1 to 64")
    return given


def _key() -> str | None:
    """Not kept in the environment, which workers inherit."""
    key, path = os.environ.pop(KEY, None), os.environ.pop(KEY_FILE, None)
    if path:
        with open(path, encoding="utf-8") as file:
            key = file.read().strip()
    return key or None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _config(package: dict[str, Any], folder: str) -> dict[str, Any]:
    name = package["name"]
    return {
        "kind": package["kind"],
        "code": os.path.join(folder, "code"),
        "script": package["script"],
        "model": os.path.join(folder, package["model"]) if package["model"] else None,
        "concurrency": package["concurrency"],
        "batch": package["batch"],
        "frame_bytes": package["limits"]["body_bytes"],
        "deployment": {"workspace": "package", "endpoint": name, "name": name},
        "collect": None,
    }


def _environ(package: dict[str, Any], folder: str, place: str) -> dict[str, str]:
    """What scoring scripts read, and what the deployment sets, which wins."""
    return {
        **os.environ,
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": place,
        "AZUREML_MODEL_DIR": os.path.join(folder, "model"),
        "AML_APP_ROOT": os.path.join(folder, "code"),
        "AZUREML_ENTRY_SCRIPT": package["script"] or "",
        "AZUREML_ENDPOINT_NAME": package["name"],
        "AZUREML_DEPLOYMENT_NAME": package["name"],
        "SERVICE_NAME": package["name"],
        "WORKER_COUNT": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        **package["variables"],
    }
