"""A real registry of images, with a password, on loopback."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

USER, PASSWORD = "tester", "push-it-4711"
HASH = "$2b$05$abcdefghijklmnopqrstuuHDMr5EMRBrQNUE5KEVXsQKrihkiO8gu"
CONFIG = """
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {folder}/data}}, cache: {{blobdescriptor: inmemory}}}}
http: {{addr: "127.0.0.1:{port}", secret: of-a-test}}
auth: {{htpasswd: {{realm: test, path: {folder}/htpasswd}}}}
"""


def missing() -> str | None:
    return None if shutil.which("docker-registry") else "no docker-registry: apt-get install docker-registry"


@contextlib.contextmanager
def registry(folder: Path) -> Iterator[str]:
    """Its address. In the folder are `auth.json`, by which an engine logs in, and `registries.conf`."""
    folder.mkdir()
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    address = f"127.0.0.1:{port}"
    (folder / "config.yml").write_text(CONFIG.format(folder=folder, port=port))
    (folder / "htpasswd").write_text(f"{USER}:{HASH}\n")
    secret = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    (folder / "auth.json").write_text(json.dumps({"auths": {address: {"auth": secret}}}))
    (folder / "registries.conf").write_text(f'[[registry]]\nlocation = "{address}"\ninsecure = true\n')
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(
            ["docker-registry", "serve", str(folder / "config.yml")], stdout=log, stderr=log, env={"PATH": os.defpath}
        )
    try:
        end = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < end
            time.sleep(0.05)
        yield address
    finally:
        process.terminate()
        process.wait(20)
