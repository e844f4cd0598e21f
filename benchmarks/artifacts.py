"""What a large artifact costs beside a plain copy of it: python benchmarks/artifacts.py [--mb 2048] [--folder DIR]

A fresh server; the file goes up in one request, comes down in one, goes up in parts of 100 MB. Shown are the processor
time (user and system) of the server, beside that of a process that copies the same file in pieces of 1 MB and syncs
it, and the server's memory. Processor time, because how long it takes is a matter of the disk.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

MB = 2**20
PART = 100 * MB


class Server:
    def __init__(self, home: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "zaffre", "up", "--home", str(home)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        while not (home / "server.json").exists():
            time.sleep(0.05)
        told = json.loads((home / "server.json").read_text())
        self.place, self.headers = urlsplit(told["url"]), {"Authorization": f"Bearer {told['token']}"}

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(self.place.hostname or "", self.place.port, timeout=600)
        connection.request(method, f"/mlflow/default/api/2.0/{path}", body, {**self.headers, **headers})
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        return answer

    def cpu(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_mb(self) -> int:
        return int(Path(f"/proc/{self.process.pid}/status").read_text().split("VmHWM:")[1].split()[0]) // 1024


def copy_cpu(source: Path, target: Path) -> float:
    before = resource.getrusage(resource.RUSAGE_SELF)
    with source.open("rb") as read, target.open("wb") as write:
        while piece := read.read(MB):
            write.write(piece)
        write.flush()
        os.fsync(write.fileno())
    after = resource.getrusage(resource.RUSAGE_SELF)
    target.unlink()
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def up(server: Server, run: str, source: Path) -> None:
    with source.open("rb") as file:
        length = str(source.stat().st_size)
        path = f"mlflow-artifacts/artifacts/ExperimentRun/dcid.{run}/{source.name}"
        server.ask("PUT", path, file, **{"Content-Length": length}).read()


def down(server: Server, run: str, source: Path) -> None:
    answer = server.ask("GET", f"mlflow-artifacts/artifacts/ExperimentRun/dcid.{run}/{source.name}")
    buffer, got = bytearray(MB), 0
    while count := answer.readinto(buffer):
        got += count
    assert got == source.stat().st_size


def in_parts(server: Server, run: str, source: Path) -> None:
    folder, size = f"ExperimentRun/dcid.{run}", source.stat().st_size
    body = {"path": "parts", "num_parts": -(-size // PART)}
    upload = json.loads(server.ask("POST", f"mlflow-artifacts/mpu/create/{folder}", json.dumps(body)).read())
    with source.open("rb") as file:
        for place in upload["credentials"]:
            path = urlsplit(place["url"]).path.partition("/api/2.0/")[2]
            server.ask("PUT", path, file.read(PART)).read()
    body = {"path": "parts", "upload_id": upload["upload_id"], "parts": []}
    server.ask("POST", f"mlflow-artifacts/mpu/complete/{folder}", json.dumps(body)).read()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=int, default=2048)
    parser.add_argument("--folder", type=Path, default=None, help="where (default: a temporary folder)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        folder = Path(name)
        source = folder / "large.bin"
        piece = os.urandom(MB)
        with source.open("wb") as file:
            for _ in range(args.mb):
                file.write(piece)
        floor = copy_cpu(source, folder / "copy.bin")
        server = Server(folder / "home")
        try:
            run = json.loads(server.ask("POST", "mlflow/runs/create", b"{}").read())["run"]["info"]["run_id"]
            idle = server.peak_mb()
            print(f"{args.mb} MB; a plain copy {floor:.2f} s of processor; the server idle {idle} MB\n")
            print("| what | processor, s | / plain copy | memory at most, MB |\n|---|---|---|---|")
            steps: dict[str, Callable[[Server, str, Path], None]] = {"up": up, "down": down, "up in parts": in_parts}
            for what, step in steps.items():
                before = server.cpu()
                step(server, run, source)
                spent = server.cpu() - before
                print(f"| {what} | {spent:.2f} | {floor / spent:.2f}x | {server.peak_mb()} |", flush=True)
        finally:
            server.process.terminate()
            server.process.wait(30)
            shutil.rmtree(folder / "home", ignore_errors=True)


if __name__ == "__main__":
    main()
