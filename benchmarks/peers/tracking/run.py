"""Experiment tracking over HTTP, each server through its own client.

single  1,000 log_metric calls                 batch    50 batches of 1,000 points
writers 8 processes, 200 log_metric calls each history  one metric of 100,000 points read back
search  first 100 of --size runs (20 params, 20 metrics each), filter on a metric and a parameter, order by a metric
order   first 100 of all of them, ordered by a metric
fill    storing those runs: one create and one batch each
"""

import json
import pathlib
import sys

sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])
from common import Session, adapter  # noqa: E402

session = Session("tracking", __doc__, size=10_000)
peer = adapter("tracking", session.peer)
here = pathlib.Path(__file__).resolve().parent

with session.open(peer.REQUIREMENTS, peer.DISTRIBUTION) as box:
    argv, url = peer.server(box)
    with box.serve(argv, url):
        target = peer.target(box, url)

        def drive(case, n):
            _, out = box.run(
                [box.python, here / "drive.py", here / f"{session.peer}.py", target, case, n], timeout=1800
            )
            return json.loads(next(line for line in out.splitlines() if line.startswith("FIGURES "))[8:])

        offered = getattr(peer, "CASES", ("single", "batch", "writers", "history", "search", "order"))
        for case, n, count in (
            ("single", 1000, 1000),
            ("batch", 50, 50_000),
            ("writers", 200, 1600),
            ("history", 100_000, 100_000),
        ):
            if case in offered:
                session.repeat(case, count, lambda: drive(case, n))
        asked = [case for case in ("search", "order") if case in offered and session.wanted(case)]
        if asked:
            noted = session.settle()
            session.emit("fill", session.args.size, noted, **drive("fill", session.args.size))
        for case in asked:
            session.repeat(case, session.args.size, lambda case=case: drive(case, 20))
