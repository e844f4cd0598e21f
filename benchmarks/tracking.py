"""Metrics in and out of a server: by raw clients, in curves, and (--peers) by MLflow's client beside the peers.

    python benchmarks/tracking.py [--python VENV/bin/python] [--small] [--peers [mlflow,aim,...]]
    python benchmarks/tracking.py --load 100000      # only the memory of a server after loading so many runs
    python benchmarks/tracking.py --search 10000     # only a search among so many runs, beside the peers

A server of VENV (which has Zaffre installed) is started in a scratch home and stopped at the end. Each line is JSON:
case, value, unit, target, server_cpu_ms (user and system time of the server for one of them: it means more than the
value on a busy machine). `--peers` runs peers/tracking/run.py for each of them afterwards, and prints their table.
`--load` makes runs with 20 parameters and 20 metrics each through the API, then reads them as people do. `--search`
fills each of `--peers` with that many runs and times a filter with an order by a metric, and that order alone.
"""

from __future__ import annotations

import argparse
import http.client
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SEARCHED = "limit,zaffre,zaffre_raw,mlflow"
PEERS = "limit,zaffre,zaffre_async,zaffre_raw,mlflow,aim"
TICK = os.sysconf("SC_CLK_TCK")


class Server:
    """A running `zaffre up`, and what is asked of it over kept connections, one for each thread."""

    def __init__(self, home: Path) -> None:
        said = json.loads((home / "server.json").read_text())
        self.address, self.token, self.pid = said["url"].removeprefix("http://"), said["token"], said["pid"]
        self._local = threading.local()

    def ask(self, method: str, path: str, body: Any = None) -> bytes:
        if not hasattr(self._local, "wire"):
            self._local.wire = http.client.HTTPConnection(self.address)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        self._local.wire.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self._local.wire.getresponse()
        content: bytes = answer.read()
        assert answer.status == 200, content[:500]
        return content

    def mlflow(self, method: str, path: str, body: Any = None) -> Any:
        return json.loads(self.ask(method, f"/mlflow/default/api/2.0/mlflow/{path}", body))

    def run(self) -> str:
        return str(self.mlflow("POST", "runs/create", {"experiment_id": "0"})["run"]["info"]["run_id"])

    def cpu_ms(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / TICK

    def peak_mb(self) -> float:
        text = Path(f"/proc/{self.pid}/status").read_text()
        return int(next(line for line in text.splitlines() if line.startswith("VmHWM:")).split()[1]) / 1024

    def memory_mb(self) -> float:
        text = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        return int(next(line for line in text.splitlines() if line.startswith("Rss:")).split()[1]) / 1024


def report(case: str, value: float, unit: str, target: str = "", **more: Any) -> None:
    print(json.dumps({"case": case, "value": round(value, 2), "unit": unit, "target": target, **more}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=Path, default=Path(sys.executable), help="of the environment to measure")
    parser.add_argument("--small", action="store_true", help="a tenth of the work: does every case run?")
    parser.add_argument("--load", type=int, metavar="RUNS", help="memory after loading so many runs, nothing else")
    parser.add_argument("--search", type=int, metavar="RUNS", help="search among so many runs beside peers, only")
    parser.add_argument("--peers", nargs="?", const=PEERS, help=f"also these (default: {PEERS})")
    parser.add_argument("--cache", default="~/.cache/zaffre-peers", help="environments of the peers")
    options = parser.parse_args()
    how = ["--cache", options.cache, *(["--repeat", "1"] if options.small else ["--patience", "60"])]
    if options.search:
        beside((options.peers or SEARCHED).split(","), *how, "--size", str(options.search), "--cases", "search,order")
        return
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder, "home")
        env = {k: v for k, v in os.environ.items() if not k.startswith("ZAFFRE")}
        process = subprocess.Popen(
            [str(options.python.absolute()), "-m", "zaffre", "up", "--home", str(home), "--port", "0"], env=env,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            while not (home / "server.json").exists():
                assert process.poll() is None, "the server did not start"
                time.sleep(0.05)
            if options.load:
                loaded(Server(home), options.load)
            else:
                measure(Server(home), 10 if options.small else 1)
        finally:
            process.terminate()
            process.wait()
    if options.peers:
        beside(options.peers.split(","), *how, *(["--size", "200"] if options.small else []))


def measure(server: Server, part: int) -> None:
    report("memory, idle", server.memory_mb(), "MB", "<= 150")
    logged(server, "single log-metric, one raw client", 1, 5000 // part, 1, ">= 2,000")
    logged(server, "single log-metric, 8 raw clients", 8, 2000 // part, 1)
    logged(server, "log-batch of 1,000, 8 raw clients", 8, 40 // part, 1000, ">= 100,000")
    logged(server, "single log-metric, 1,000 raw clients at once", 1000 // part, 5, 1)
    history(server, 100_000 // part)
    curves(server, 100 // part, 10_000)
    report("memory, after all that", server.memory_mb(), "MB", "<= 300")


def logged(server: Server, case: str, clients: int, calls: int, size: int, target: str = "") -> None:
    """Points a second, stored and read back: not one may be missing or doubled."""
    runs, barrier = [server.run() for _ in range(min(clients, 8))], threading.Barrier(clients + 1)
    failed: list[BaseException] = []

    def client(number: int) -> None:
        run, key = runs[number % len(runs)], f"m{number}"
        try:
            server.mlflow("GET", f"runs/get?run_id={run}")  # opens the connection
            barrier.wait()
            for call in range(calls):
                points = [
                    {"key": key, "value": math.sin(i), "timestamp": i, "step": i}
                    for i in range(call * size, (call + 1) * size)
                ]
                if size == 1:
                    server.mlflow("POST", "runs/log-metric", {"run_id": run, **points[0]})
                else:
                    server.mlflow("POST", "runs/log-batch", {"run_id": run, "metrics": points})
        except BaseException as error:
            failed.append(error)
            barrier.abort()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    barrier.wait()
    cpu, begun = server.cpu_ms(), time.perf_counter()
    for thread in threads:
        thread.join()
    seconds, cpu = time.perf_counter() - begun, server.cpu_ms() - cpu
    assert not failed, failed[0]
    for number in range(clients):
        found = server.mlflow("GET", f"metrics/get-history?run_id={runs[number % len(runs)]}&metric_key=m{number}")
        assert [item["step"] for item in found["metrics"]] == list(range(calls * size)), f"client {number}"
    report(case, clients * calls * size / seconds, "points/s", target, server_cpu_ms=round(cpu / clients / calls, 3))


def repeated(server: Server, ask: Callable[[], Any], times: int = 5) -> tuple[float, float]:
    """Least time, and the server's part of one, both in ms."""
    cpu, least = server.cpu_ms(), math.inf
    for _ in range(times):
        begun = time.perf_counter()
        ask()
        least = min(least, time.perf_counter() - begun)
    return least * 1000, (server.cpu_ms() - cpu) / times


def fill(server: Server, run: str, points: int) -> None:
    for begin in range(0, points, 1000):
        steps = range(begin, min(begin + 1000, points))
        metrics = [{"key": "loss", "value": math.exp(-i / points), "timestamp": 10**12 + i, "step": i} for i in steps]
        server.mlflow("POST", "runs/log-batch", {"run_id": run, "metrics": metrics})


def history(server: Server, points: int) -> None:
    run = server.run()
    fill(server, run, points)
    path = f"/mlflow/default/api/2.0/mlflow/metrics/get-history?run_id={run}&metric_key=loss"
    took, cpu = repeated(server, lambda: server.ask("GET", path))
    report(f"history of {points:,} points, as MLflow's client asks for it", took, "ms", "<= 150", server_cpu_ms=cpu)


def curves(server: Server, count: int, points: int) -> None:
    runs = [server.run() for _ in range(count)]
    for run in runs:
        fill(server, run, points)
    for name, smooth in (("", {}), (", exponential average", {"smooth": {"kind": "ema", "amount": 0.9}})):
        asked = {"runs": runs, "keys": ["loss"], "buckets": 800, **smooth}
        for form, path in (("binary", "columns"), ("JSON", "query")):
            took, cpu = repeated(server, lambda: server.ask("POST", f"/api/workspaces/default/metrics:{path}", asked))
            report(f"{count} runs x {points:,} points to 800 buckets, {form}{name}", took, "ms", "<= 300",
                   server_cpu_ms=round(cpu, 1))  # fmt: skip


def loaded(server: Server, count: int, clients: int = 4) -> None:
    """Memory at its worst and after what people ask, with a hundred runs of the newest page looked at."""
    report("memory, idle", server.memory_mb(), "MB", "<= 150")
    numbers = iter(range(count))

    def client() -> None:
        chance = random.Random(7)
        for number in numbers:
            params = [{"key": f"p{n}", "value": str(chance.randrange(1000))} for n in range(20)]
            metrics = [{"key": f"m{n}", "value": chance.random(), "timestamp": number, "step": 0} for n in range(20)]
            run = server.run()
            server.mlflow("POST", "runs/log-batch", {"run_id": run, "params": params, "metrics": metrics})
            server.mlflow("POST", "runs/update", {"run_id": run, "status": "FINISHED"})

    cpu = server.cpu_ms()
    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(60)
    cpu = (server.cpu_ms() - cpu) / count
    report(f"memory, {count:,} runs loaded", server.memory_mb(), "MB", "<= 300", server_cpu_ms=round(cpu, 2))
    search = {"experiment_ids": ["0"], "order_by": ["metrics.m1 DESC"], "max_results": 1000}
    for asked in (search, {**search, "filter": "metrics.m0 > 0.5 and params.p0 = '3'"}, {**search, "order_by": []}):
        server.mlflow("POST", "runs/search", asked)
    server.ask("GET", "/api/workspaces/default/runs/keys")
    report("memory, searched", server.memory_mb(), "MB", "<= 300", peak_mb=round(server.peak_mb(), 2))


def beside(peers: list[str], *options: str) -> None:
    out = HERE / "out.jsonl"
    out.unlink(missing_ok=True)
    for peer in peers:
        subprocess.run(
            [sys.executable, str(HERE / "peers/tracking/run.py"), "--peer", peer, "--json", str(out), *options],
            check=False,
        )
    subprocess.run([sys.executable, str(HERE / "peers/table.py"), str(out)], check=True)
    out.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
