"""REL-22: a large artifact goes up, in one piece and in parts, and down, in constant memory, and comes back the same."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from attacked_server import Server

SIZE, PIECE, PART = 192 * 2**20, 2**20, 32 * 2**20
MOST_MB = 24  # more than before, at the height of it


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        for _ in range(SIZE // PIECE):
            file.write(os.urandom(PIECE))
    return path


def peak_mb(server: Server) -> int:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux says what a process held at most")
def test_rel_22_a_large_file_takes_constant_memory(server: Server, large: Path) -> None:
    wanted = hashlib.sha256(large.read_bytes()).hexdigest()
    run = server.mlflow("POST", "mlflow/runs/create", {"experiment_id": "0"}).json()["run"]["info"]["run_id"]
    folder = f"ExperimentRun/dcid.{run}"
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")  # forget what it held at most
    before = peak_mb(server)

    def pieces() -> Iterator[bytes]:
        with large.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece

    assert server.mlflow("PUT", f"mlflow-artifacts/artifacts/{folder}/whole", content=pieces()).status_code == 200
    body = {"path": "parts", "num_parts": SIZE // PART}
    upload = server.mlflow("POST", f"mlflow-artifacts/mpu/create/{folder}", body).json()
    with large.open("rb") as file:
        for place in upload["credentials"]:
            answer = server.call("PUT", urlsplit(place["url"]).path, content=file.read(PART))
            assert answer.status_code == 200, answer.text
    body = {"path": "parts", "upload_id": upload["upload_id"], "parts": []}
    assert server.mlflow("POST", f"mlflow-artifacts/mpu/complete/{folder}", body).status_code == 200
    for name in ("whole", "parts"):
        got = hashlib.sha256()
        url = f"{server.url}/mlflow/default/api/2.0/mlflow-artifacts/artifacts/{folder}/{name}"
        held = 0
        with server.http.stream("GET", url, headers={"authorization": f"Bearer {server.token}"}) as answer:
            for piece in answer.iter_bytes(PIECE):
                got.update(piece)
                held += len(piece)
                if held > SIZE // 2:
                    break  # the connection is cut here; the rest comes by its range
        rest = {"authorization": f"Bearer {server.token}", "range": f"bytes={held}-"}
        with server.http.stream("GET", url, headers=rest) as answer:
            assert answer.status_code == 206
            for piece in answer.iter_bytes(PIECE):
                got.update(piece)
        assert got.hexdigest() == wanted, name
    assert peak_mb(server) - before < MOST_MB
    listed = server.mlflow("GET", f"mlflow/artifacts/list?run_id={run}")
    assert json.loads(listed.text)["files"][0]["file_size"] == SIZE
