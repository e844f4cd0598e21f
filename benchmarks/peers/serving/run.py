"""A scoring server under a closed loop: GradientBoosting on 30 features and an echo, one JSON row a request.

Cases: <kind>-c1, -c8, -c64 (connections) and <kind>-ready, the seconds from the command to the first 200.
One server process by default (--workers), one wrk thread on the same machine, a warm-up before the figures.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys

sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])
from common import Session, adapter  # noqa: E402

TRAIN = """
import json, joblib
from sklearn.datasets import make_classification
from sklearn.ensemble import GradientBoostingClassifier
x, y = make_classification(2000, 30, n_informative=10, random_state=7)
joblib.dump(GradientBoostingClassifier(random_state=7).fit(x, y), "model.joblib")
json.dump([round(v, 6) for v in x[0].tolist()], open("row.json", "w"))
"""

session = Session(
    "serving", __doc__, size=8, extra=[("--workers", {"type": int, "default": 1})]
)  # size: seconds of load
peer = adapter("serving", session.peer)
if not shutil.which("wrk"):
    sys.exit("wrk is not installed (Debian and Ubuntu: apt-get install wrk)")


def load(url, connections, seconds):
    out = subprocess.run(
        [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{seconds}s",
            "--timeout",
            "30s",
            "-s",
            str(pathlib.Path(__file__).with_name("load.lua")),
            url,
        ],
        capture_output=True,
        text=True,
        check=True,
        env={
            **os.environ,
            "BODY": str(session.box.place / "body.json"),
            "HEADERS": "\n".join(f"{name}: {value}" for name, value in session.box.headers.items()),
        },
    ).stdout
    seen = json.loads(next(line for line in out.splitlines() if line.startswith("FIGURES "))[8:])
    if seen["errors"] or not seen["requests"]:
        raise RuntimeError(f"{url}: {seen}")
    return {"rps": seen["requests"] / seen["us"] * 1e6, "p50_ms": seen["p50"] / 1e3, "p99_ms": seen["p99"] / 1e3}


with session.open(peer.REQUIREMENTS, peer.DISTRIBUTION) as box:
    box.write("train.py", TRAIN)
    box.run([box.python, "train.py"])
    body = json.dumps(peer.body(json.loads((box.place / "row.json").read_text())))
    box.write("body.json", body)
    for kind in getattr(peer, "KINDS", ("echo", "model")):
        peer.prepare(box, kind, session.args.workers)

        def ready():
            argv, url = peer.server(box, kind, session.args.workers)
            with box.serve(argv, url, body) as server:
                return server.seconds

        session.repeat(f"{kind}-ready", 1, ready)
        if any(session.wanted(f"{kind}-c{c}") for c in (1, 8, 64)):
            argv, url = peer.server(box, kind, session.args.workers)
            with box.serve(argv, url, body):
                load(url, 8, 3)
                for connections in (1, 8, 64):
                    session.repeat(
                        f"{kind}-c{connections}", connections, lambda: load(url, connections, session.args.size)
                    )
    if hasattr(peer, "in_process"):
        for _ in range(session.args.repeat):
            noted = session.settle()
            for case, figures in peer.in_process(box).items():
                if session.wanted(case):
                    session.emit(case, 5000, noted, **figures)
