"""A real server with something of everything in it: what a page may have to show."""

from __future__ import annotations

import json
import math
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from zaffre.base.home import Home
from zaffre.sdk.connect import read

WAIT_S = 90.0
PYTHON = "azureml:python@latest"
PICTURE = """
import math, struct, zlib
w, h = 360, 220
rows = bytearray()
for y in range(h):
    rows.append(0)
    for x in range(w):
        hit = abs(y - (h * 0.5 - 70 * math.sin(x / 34.0) * math.exp(-x / 260.0))) < 2.2
        rows += bytes((13, 81, 176) if hit else (246, 247, 250) if (x // 36 + y // 22) % 2 else (255, 255, 255))
part = lambda k, d: struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d))
png = b"\\x89PNG\\r\\n\\x1a\\n" + part(b"IHDR", struct.pack(">IIBBBBB", w, h, 8, 2, 0, 0, 0))
png += part(b"IDAT", zlib.compress(bytes(rows))) + part(b"IEND", b"")
"""
TRAIN = f"""
import csv, json, os, random, sys, time
{PICTURE}
os.makedirs("outputs/plots", exist_ok=True)
open("outputs/plots/residuals.png", "wb").write(png)
with open("outputs/predictions.csv", "w", newline="") as file:
    rows = csv.writer(file)
    rows.writerow(["patient", "age", "measured", "predicted", "site"])
    for at in range(400):
        value = random.Random(at).gauss(150, 40)
        rows.writerow([at, 20 + at % 60, round(value, 1), round(value + random.Random(-at - 1).gauss(0, 12), 1), "ABC"[at % 3]])
json.dump({{"trees": 200, "depth": 6, "features": ["age", "bmi", "bp"]}}, open("outputs/config.json", "w"))
open("outputs/report.md", "w").write("# Report\\n\\nThe model explains **46 %** of the variance.\\n\\n| site | error |\\n|---|---|\\n| A | 52.1 |\\n| B | 54.9 |\\n\\n- no leak found\\n- see `predictions.csv`\\n")
open("outputs/page.html", "w").write("<h1>Inside of a frame</h1><script>document.title = 'ran'</script>")
for at in range(240):
    print(f"2026-11-20 16:00:{{at % 60:02d}} INFO step {{at}} loss {{1 / (at + 1) + 0.02 * random.random():.4f}}")
print("\\x1b[32mdone\\x1b[0m in \\x1b[1m4.1 s\\x1b[0m")
print("WARNING 3 rows were left out", file=sys.stderr)
"""
HOSTILE = '<img src=x onerror="window.hacked=1">'


def until(look: Callable[[], Any], go_on: Callable[[], bool] = lambda: True) -> Any:
    """What `look` gives as soon as it is true."""
    deadline = time.monotonic() + WAIT_S
    while not (found := look()):
        assert go_on(), "the process has ended"
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)
    return found


class Place:
    """One server over a home of its own."""

    def __init__(self, home: Path, port: int = 0) -> None:
        self.home = home
        self.log = home.with_name(f"{home.name}.log")
        self.start(port)

    def start(self, port: int = 0) -> None:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("ZAFFRE_")}
        paths = os.pathsep.join(os.path.abspath(path) for path in os.environ.get("PYTHONPATH", "src").split(os.pathsep))
        self.environ = {**clean, "PYTHONPATH": paths}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "zaffre", "up", "--home", str(self.home), "--port", str(port)],
                env=self.environ, cwd=self.home.parent,
                stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        address = until(lambda: read(Home(self.home)), lambda: self.process.poll() is None)
        assert address.token
        self.url, self.token = address.url, address.token
        self.http = httpx.Client(
            base_url=self.url, timeout=60, headers={"authorization": f"Bearer {self.token}"}, trust_env=False
        )

    @property
    def link(self) -> str:
        return f"{self.url}/?token={self.token}"

    def stop(self) -> None:
        """Jobs outlive their server: those that still run are cancelled first."""
        for status in ("Running", "Queued"):
            for job in self.api("GET", f"/jobs?status={status}")["items"]:
                self.http.post(f"/api/workspaces/default/jobs/{job['name']}/cancel", json={})
        until(lambda: not self.api("GET", "/jobs?status=CancelRequested")["items"], lambda: self.process.poll() is None)
        self.down()

    def down(self) -> None:
        """The server ends; jobs go on."""
        self.http.close()
        self.process.terminate()
        self.process.wait(WAIT_S)

    def api(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.http.request(method, f"/api/workspaces/default{path}", json=body)
        assert answer.status_code == 200, f"{method} {path}: {answer.text}"
        return answer.json()

    def track(self, path: str, body: Any) -> Any:
        answer = self.http.post(f"/mlflow/default/api/2.0/mlflow/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def cli(self, *words: str) -> str:
        """What `zaffre` prints, as somebody at a terminal asks for it."""
        done = subprocess.run(
            [sys.executable, "-m", "zaffre", *words], env={**self.environ, "ZAFFRE_HOME": str(self.home)},
            cwd=self.home.parent, capture_output=True, text=True, timeout=WAIT_S, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def submit(self, spec: dict[str, Any]) -> str:
        return str(self.api("POST", "/jobs", {"spec": spec})["name"])

    def command(self, command: str, **fields: Any) -> str:
        return self.submit({"type": "command", "command": command, "environment": PYTHON, **fields})

    def status(self, job: str) -> str:
        return str(self.api("GET", f"/jobs/{job}")["status"])

    def reaches(self, job: str, *statuses: str) -> None:
        until(lambda: self.status(job) in statuses)

    def ended(self, job: str) -> None:
        self.reaches(job, "Completed", "Failed", "Canceled")

    def tree(self, files: dict[str, str]) -> str:
        """The address of stored content."""
        from blake3 import blake3

        data = {path: text.encode() for path, text in files.items()}
        frames = b"".join(blake3(item).digest() + len(item).to_bytes(8, "big") + item for item in data.values())
        self.http.post("/api/workspaces/default/content", content=frames).raise_for_status()
        entries = [{"path": path, "size": len(item), "hash": blake3(item).hexdigest()} for path, item in data.items()]
        return f"content://{self.api('POST', '/content/trees', {'entries': entries})['root']}"

    def run(
        self, experiment: str, name: str, params: dict[str, Any], curves: dict[str, list[float]], end: bool = True
    ) -> str:
        """A run as MLflow's clients log it."""
        made = self.track("experiments/search", {"filter": f"name = '{experiment}'", "max_results": 1})
        ids = [item["experiment_id"] for item in made.get("experiments", [])]
        experiment_id = ids[0] if ids else self.track("experiments/create", {"name": experiment})["experiment_id"]
        now = int(time.time() * 1000)
        run = self.track("runs/create", {"experiment_id": experiment_id, "run_name": name, "start_time": now})
        run_id = run["run"]["info"]["run_id"]
        logged = [{"key": key, "value": str(value)} for key, value in params.items()]
        self.track("runs/log-batch", {"run_id": run_id, "params": logged})
        points = [
            {"key": key, "value": value, "timestamp": now + 1000 * step, "step": step}
            for key, values in curves.items()
            for step, value in enumerate(values)
        ]
        for start in range(0, len(points), 1000):
            self.track("runs/log-batch", {"run_id": run_id, "metrics": points[start : start + 1000]})
        if end:
            self.track("runs/update", {"run_id": run_id, "status": "FINISHED", "end_time": now + 60_000})
        return str(run_id)


@dataclass
class Studio:
    """The server and the names of what is in it."""

    place: Place
    made: dict[str, str]


def step(command: str, code: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"type": "command", "command": command, "environment": PYTHON, **({"code": code} if code else {}), **fields}


def pipeline(code: str, folds: int, broken: bool = False, name: str = "progression") -> dict[str, Any]:
    """Prepare, train each fold, compare, report: a fan-out and a join."""
    out = {"type": "uri_folder"}
    train = "python train.py ${{inputs.table}} ${{outputs.model}} ${{inputs.fold}}"
    jobs: dict[str, Any] = {
        "load_patients": step("python -c \"open('${{outputs.table}}/t.csv','w').write('a,b')\"", outputs={"table": out}),
        "clean_table": step(
            "sleep 0.2; cp ${{inputs.table}}/t.csv ${{outputs.table}}/",
            inputs={"table": "${{parent.jobs.load_patients.outputs.table}}"},
            outputs={"table": out},
        ),
        **{
            f"train_fold_{number}": step(
                train,
                code,
                inputs={"table": "${{parent.jobs.clean_table.outputs.table}}", "fold": number},
                outputs={"model": out},
            )
            for number in range(folds)
        },
        "compare_folds": step(
            "echo " + " ".join(f"${{{{inputs.m{number}}}}}" for number in range(folds)) + " > ${{outputs.best}}/best.txt",
            inputs={f"m{number}": f"${{{{parent.jobs.train_fold_{number}.outputs.model}}}}" for number in range(folds)},
            outputs={"best": out},
        ),
        "write_report": step(
            "echo cannot write the report: disk quota >&2; exit 3" if broken else "cp ${{inputs.best}}/* ${{outputs.report}}/",
            inputs={"best": "${{parent.jobs.compare_folds.outputs.best}}"},
            outputs={"report": out},
        ),
        "check_fairness": step(
            "echo ${{inputs.best}}; echo ok", inputs={"best": "${{parent.jobs.compare_folds.outputs.best}}"}
        ),
    }  # fmt: skip
    return {"type": "pipeline", "display_name": name, "experiment_name": "diabetes", "jobs": jobs}


def curve(lr: float, depth: int, steps: int, seed: int) -> dict[str, list[float]]:
    rand = random.Random(seed)
    floor = 0.18 + 0.05 * abs(math.log10(lr) + 2.2) + 0.01 * abs(depth - 6)
    loss = [floor + 0.9 * math.exp(-at * lr * 2) + rand.gauss(0, 0.012) for at in range(steps)]
    return {
        "train_loss": loss,
        "val_loss": [value * 1.08 + 0.00012 * at * depth / 4 + rand.gauss(0, 0.015) for at, value in enumerate(loss)],
        "r2": [max(0.0, 1.0 - 1.3 * value + rand.gauss(0, 0.008)) for value in loss],
        "learning_rate": [lr * 0.5 * (1 + math.cos(math.pi * at / steps)) for at in range(steps)],
    }


def seed(place: Place) -> dict[str, str]:
    """Something of everything; the names of what a test wants to open."""
    made: dict[str, str] = {}
    number = 0
    for lr in (0.003, 0.01, 0.03):
        for depth, model in ((4, "tree"), (6, "forest"), (8, "boosting"), (10, "boosting")):
            number += 1
            params = {"lr": lr, "depth": depth, "model": model, "seed": 7}
            made["run"] = place.run("sweep", f"{model}-{depth}-{lr}", params, curve(lr, depth, 300, number))
    made["hostile"] = place.run(HOSTILE.replace("/", ""), HOSTILE, {HOSTILE: HOSTILE}, {"<b>loss": [1.0, 0.5, 0.2]})
    code = place.tree({"train.py": TRAIN, "README.md": "# Training\n", "lib/net.py": "def net():\n    return 1\n"})
    made["train"] = place.command(
        "python train.py",
        code=code,
        display_name="train forest",
        experiment_name="diabetes",
        description="Baseline with the cleaned table.",
        tags={"team": "clinical", "stage": "baseline"},
        inputs={"trees": 200, "depth": 6},
        outputs={"model": {"type": "uri_folder"}},
    )
    made["failed"] = place.command(
        "echo loading; echo 'ValueError: column bmi is missing' >&2; exit 1",
        display_name="train without bmi", experiment_name="diabetes",
    )  # fmt: skip
    fold = "import sys, time\ntime.sleep(0.1)\nopen(sys.argv[2] + '/m.txt', 'w').write(sys.argv[3])\n"
    first = place.tree({"train.py": fold})
    second = place.tree({"train.py": fold + "print('later')\n"})
    before = place.submit(pipeline(first, 3))
    place.ended(before)
    changed = place.submit(pipeline(second, 3))
    place.ended(changed)
    made["pipeline"] = place.submit(pipeline(second, 3))
    made["broken"] = place.submit(pipeline(first, 3, broken=True, name="progression nightly"))
    made["wide"] = place.submit(pipeline(first, 12, name="twelve folds"))
    for job in ("train", "failed", "pipeline", "broken", "wide"):
        place.ended(made[job])
    table = "patient,age,bmi,site,progression\n" + "".join(
        f"{at},{20 + (at * 7) % 60},{18 + (at * 13 % 220) / 10},{'ABC'[at % 3]},{60 + (at * 37) % 240}\n"
        for at in range(442)
    )
    for about, text in (("as delivered", table), ("site D added", table + "442,51,27.3,D,180\n443,33,22.0,D,95\n")):
        root = place.tree({"patients.csv": text})
        spec = {"name": "patients", "type": "uri_file", "path": f"{root}/patients.csv", "description": about}
        place.api("POST", "/data", {"spec": spec})
    made["data"] = "patients"
    count = place.command("wc -l ${{inputs.table}}", display_name="count patients",
                          inputs={"table": {"type": "uri_file", "path": "azureml:patients:2"}})  # fmt: skip
    place.ended(count)
    model = place.tree({"model.json": json.dumps({"trees": 200})})
    for about in ("first", "with site D"):
        spec = {"name": "progression", "type": "custom_model", "path": f"{model}", "description": about,
                "tags": {"r2": "0.46"}, "version": "1" if about == "first" else "2"}  # fmt: skip
        place.api("POST", "/models", {"spec": spec, "job_name": made["train"]})
    place.api("PATCH", "/models/progression", {"version": "1", "labels": ["champion"]})
    place.api("POST", "/environments", {"spec": {"name": "forest", "image": "python:3.11", "description": "small"}})
    for name, wanted in (("never_built", "six==1.13.0"), ("impossible", "six==99")):
        place.api("POST", "/environments", {"spec": {"name": name, "requirements": [wanted]}})
    place.ended(place.command("true", environment="azureml:impossible:1", display_name="cannot begin"))
    place.api(
        "POST",
        "/components",
        {"spec": {"name": "count_rows", "type": "command", "command": "wc -l ${{inputs.table}}", "environment": PYTHON,
                  "display_name": "Count rows", "inputs": {"table": {"type": "uri_file", "description": "a table"}}}},
    )  # fmt: skip
    place.api(
        "POST", "/computes", {"spec": {"name": "one-slot", "type": "amlcompute", "size": "local", "max_instances": 1}}
    )
    ticking = "i=0; while true; do i=$((i+1)); echo tick $i of the long job; sleep 0.5; done"
    made["living"] = place.command(
        ticking, compute="one-slot", display_name="long training", experiment_name="diabetes"
    )
    made["waiting"] = place.command("echo late", compute="one-slot", display_name="waits for its turn")
    place.reaches(made["living"], "Running")
    return made
