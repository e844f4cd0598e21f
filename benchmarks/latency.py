"""How long a person waits: hello-world over the API and from a cold shell, the command line, the server's start.

    python benchmarks/latency.py [--python VENV/bin/python] [--repeat 9]

VENV has Zaffre installed with byte code compiled (`uv pip install --compile-bytecode .`). A server is started in a
scratch home and stopped at the end. Medians of `--repeat` runs; each line is JSON: case, median_ms, min_ms, max_ms.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

HELLO = 'command: echo "hello world"\nenvironment:\n  image: library/python:latest\n'
API = """
import sys, time
from zaffre import Workspace, load_job
ws = Workspace.from_home(start=False)
spec = load_job(sys.argv[1])
for _ in range(int(sys.argv[2])):
    start = time.perf_counter()
    job = ws.jobs.create_or_update(spec)
    ws.jobs.wait(job.name)
    print(time.perf_counter() - start)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=Path, default=Path(sys.executable), help="of the environment to measure")
    parser.add_argument("--repeat", type=int, default=9)
    options = parser.parse_args()
    python, zaffre = options.python.absolute(), options.python.absolute().with_name("zaffre")
    with tempfile.TemporaryDirectory() as folder:
        env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "ZAFFRE"))}
        env["ZAFFRE_HOME"] = f"{folder}/home"
        job = Path(folder, "hello.yml")
        job.write_text(HELLO)

        def timed(*argv: object) -> float:
            start = time.perf_counter()
            subprocess.run([str(word) for word in argv], env=env, check=True, capture_output=True)
            return time.perf_counter() - start

        report("first start of a server, until it answers", [first_start(zaffre, env)], size_of(env))
        try:
            timed(zaffre, "job", "create", "-f", job, "--wait")  # builds the environment
            done = subprocess.run([str(python), "-c", API, str(job), str(options.repeat)], env=env, check=True,
                                  capture_output=True, text=True)  # fmt: skip
            report("hello over the API, submitted to finished", [float(line) for line in done.stdout.split()])
            cold: dict[str, Callable[[], float]] = {
                "hello by the command line, cold shell": lambda: timed(
                    zaffre, "job", "create", "-f", job, "--wait", "-o", "none"
                ),
                "zaffre --help": lambda: timed(zaffre, "--help"),
                "zaffre job list": lambda: timed(zaffre, "job", "list"),
                "import zaffre": lambda: timed(python, "-c", "import zaffre"),
                "import zaffre, Workspace": lambda: timed(python, "-c", "from zaffre import Workspace"),
                "python -I -c pass (the floor)": lambda: timed(python, "-I", "-c", "pass"),
            }
            for name, run in cold.items():
                report(name, [run() for _ in range(options.repeat)])
            timed(zaffre, "down")
            starts = []
            for _ in range(3):
                starts.append(first_start(zaffre, env))
                timed(zaffre, "down")
            report("start of a server on an existing home", starts)
        finally:
            subprocess.run([str(zaffre), "down"], env=env, check=False, capture_output=True)


def first_start(zaffre: Path, env: dict[str, str]) -> float:
    start = time.perf_counter()
    # Through a shell that ends at once, so that the server is nobody's child and nobody has to reap it.
    subprocess.run(["sh", "-c", f"{zaffre} up --port 0 >/dev/null 2>&1 &"], env=env, check=True, start_new_session=True)
    said = Path(env["ZAFFRE_HOME"], "server.json")
    while time.perf_counter() - start < 60:
        if said.exists():
            try:
                with urllib.request.urlopen(json.loads(said.read_text())["url"] + "/api/health", timeout=5):
                    return time.perf_counter() - start
            except (OSError, ValueError):
                pass
        time.sleep(0.01)
    raise SystemExit("the server did not start")


def size_of(env: dict[str, str]) -> dict[str, float]:
    """Resident memory of the idle server after ten seconds, MB."""
    time.sleep(10)
    pid = json.loads(Path(env["ZAFFRE_HOME"], "server.json").read_text())["pid"]
    status = Path(f"/proc/{pid}/status").read_text()
    return {"rss_mb": round(int(status.split("VmRSS:")[1].split()[0]) / 1024, 1)}


def report(case: str, seconds: list[float], more: dict[str, float] | None = None) -> None:
    figures = {"median_ms": statistics.median(seconds), "min_ms": min(seconds), "max_ms": max(seconds)}
    line = {"case": case, **{name: round(value * 1000, 1) for name, value in figures.items()}, "n": len(seconds)}
    print(json.dumps({**line, **(more or {})}), flush=True)


if __name__ == "__main__":
    main()
