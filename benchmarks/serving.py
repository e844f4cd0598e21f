"""Online endpoints of the whole platform: how soon they answer, how many requests, and what a swap costs.

    python benchmarks/serving.py [--python VENV/bin/python] [--seconds 8] [--requests 100000]

VENV has Zaffre installed with byte code compiled. A server is started in a scratch home; environments are built before
the clock. Needs `wrk` for the rates. Beside the peers: `benchmarks/peers/serving`. Each line is JSON.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

ECHO = "import json\ndef init(): pass\ndef run(data): return json.loads(data)['input_data']\n"
TRAIN = """
import mlflow.sklearn, numpy
from skl2onnx import to_onnx
from sklearn.datasets import make_classification
from sklearn.ensemble import GradientBoostingClassifier
x, y = make_classification(2000, 30, n_informative=10, random_state=7)
model = GradientBoostingClassifier(random_state=7).fit(x, y)
mlflow.sklearn.save_model(model, "outputs/mlflow", pip_requirements=["scikit-learn"])
made = to_onnx(model, numpy.zeros((1, 30), numpy.float32), options={"zipmap": False})
open("outputs/model.onnx", "wb").write(made.SerializeToString())
"""
PACKAGES = ["scikit-learn==1.7.2", "mlflow-skinny==3.4.0", "pandas", "skl2onnx==1.20.0", "onnxruntime", "protobuf<7"]
LOAD = Path(__file__).parent / "peers/serving/load.lua"
CONNECTIONS = (1, 64, 512)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=Path, default=Path(sys.executable), help="of the environment to measure")
    parser.add_argument("--seconds", type=int, default=8, help="of load for each figure")
    parser.add_argument("--requests", type=int, default=100_000, help="during which deployments are swapped")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        Bench(Path(folder), options).run()


class Bench:
    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        self.folder, self.options = folder, options
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "ZAFFRE"))}
        self.env = {**clean, "ZAFFRE_HOME": f"{folder}/home"}
        self.keys: dict[str, str] = {}
        self.urls: dict[str, str] = {}

    def zaffre(self, *words: object) -> str:
        done = subprocess.run([self.options.python, "-m", "zaffre", *map(str, words)], env=self.env, cwd=self.folder,
                              check=False, capture_output=True, text=True)  # fmt: skip
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout.strip()

    def run(self) -> None:
        def write(name: str, text: str) -> None:
            (self.folder / name).parent.mkdir(exist_ok=True)
            (self.folder / name).write_text(text)

        write("echo/score.py", ECHO)
        write("train/train.py", TRAIN)
        environment = {"requirements": PACKAGES, "python_version": "3.11"}
        job = {"type": "command", "command": "python train.py", "code": "./train", "environment": environment}
        write("train.yml", json.dumps(job))
        name = json.loads(self.zaffre("job", "create", "-f", "train.yml", "--wait", "-o", "json"))["name"]
        self.zaffre("job", "download", "--name", name, "--download-path", "made")
        found = next((self.folder / "made").rglob("model.onnx")).parent
        code = {"code": "./echo", "scoring_script": "score.py"}
        specs = {
            "echo": {"code_configuration": code},
            "model": {"model": {"path": str(found / "mlflow"), "type": "mlflow_model"}, "environment": environment},
            "onnx": {"model": {"path": str(found / "model.onnx")}, "environment": environment},
        }
        try:
            for kind, spec in specs.items():
                self.endpoint(kind, spec)
            self.from_zero(code)
            self.swap(code)
        finally:
            for kind in self.keys:
                self.zaffre("online-endpoint", "delete", "--name", kind, "--yes")
            self.zaffre("down")

    def endpoint(self, kind: str, spec: dict[str, object]) -> None:
        body = {"input_data": [[round(0.31 * i - 4, 6) for i in range(30)]]}
        (self.folder / "body.json").write_text(json.dumps(body))
        self.zaffre("online-endpoint", "create", "--name", kind)
        self.deploy(kind, "warm", spec)  # builds the environment
        began = time.perf_counter()
        self.deploy(kind, "blue", spec)
        self.keys[kind] = self.zaffre(
            "online-endpoint", "get-credentials", "--name", kind, "--query", "primaryKey", "-o", "tsv"
        )
        self.urls[kind] = self.zaffre("online-endpoint", "show", "--name", kind, "--query", "scoring_uri", "-o", "tsv")
        self.post(kind)
        report(f"{kind}: from create to the first answer, by the command line", seconds=time.perf_counter() - began)
        if not shutil.which("wrk"):
            return
        self.load(kind, 8, 3)
        for connections in CONNECTIONS:
            report(f"{kind}-c{connections}", **self.load(kind, connections, self.options.seconds))

    def deploy(self, endpoint: str, name: str, spec: dict[str, object]) -> None:
        document = {"name": name, "endpoint_name": endpoint, **spec}
        (self.folder / "deployment.yml").write_text(json.dumps(document))
        self.zaffre("online-deployment", "create", "-f", "deployment.yml", "--all-traffic")

    def load(self, kind: str, connections: int, seconds: int) -> dict[str, float]:
        env = {
            **self.env,
            "BODY": str(self.folder / "body.json"),
            "HEADERS": f"Authorization: Bearer {self.keys[kind]}",
        }
        out = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", LOAD, self.urls[kind]],
                             env=env, check=True, capture_output=True, text=True).stdout  # fmt: skip
        seen = json.loads(next(line for line in out.splitlines() if line.startswith("FIGURES "))[8:])
        return {"rps": seen["requests"] / seen["us"] * 1e6, "p50_ms": seen["p50"] / 1e3, "p99_ms": seen["p99"] / 1e3,
                "errors": seen["errors"]}  # fmt: skip

    def post(self, kind: str) -> int:
        parts = urlsplit(self.urls[kind])
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
        headers = {"Authorization": f"Bearer {self.keys[kind]}", "Content-Type": "application/json"}
        connection.request("POST", parts.path, (self.folder / "body.json").read_bytes(), headers)
        status = connection.getresponse().status
        connection.close()
        return status

    def from_zero(self, code: dict[str, str]) -> None:
        scale = {"type": "target_utilization", "min_instances": 0, "max_instances": 1, "polling_interval": 1}
        self.deploy("echo", "zero", {"code_configuration": code, "scale_settings": scale})
        time.sleep(20)
        began = time.perf_counter()
        assert self.post("echo") == 200
        report("echo: from zero to the answer of the held request", seconds=time.perf_counter() - began)

    def swap(self, code: dict[str, str]) -> None:
        """Callers that never stop, while what answers them is changed again and again."""
        self.deploy("echo", "blue", {"code_configuration": code})
        statuses: dict[int, int] = {}
        done = threading.Event()
        parts = urlsplit(self.urls["echo"])

        def call() -> None:
            connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
            headers = {"Authorization": f"Bearer {self.keys['echo']}", "Content-Type": "application/json"}
            content = (self.folder / "body.json").read_bytes()
            while not done.is_set():
                connection.request("POST", parts.path, content, headers)
                answer = connection.getresponse()
                answer.read()
                statuses[answer.status] = statuses.get(answer.status, 0) + 1

        callers = [threading.Thread(target=call) for _ in range(8)]
        for caller in callers:
            caller.start()
        swaps = 0
        while sum(statuses.values()) < self.options.requests:
            swaps += 1
            self.zaffre("online-deployment", "update", "--name", "blue", "--endpoint-name", "echo", "--set",
                        f"environment_variables.N={swaps}")  # fmt: skip
        done.set()
        for caller in callers:
            caller.join()
        failed = sum(count for status, count in statuses.items() if status != 200)
        report("swaps under load", requests=sum(statuses.values()), swaps=swaps, failed=failed)


def report(case: str, **figures: float) -> None:
    print(json.dumps({"case": case, **{k: round(v, 4) for k, v in figures.items()}}), flush=True)


if __name__ == "__main__":
    main()
