"""Runs under the peer's interpreter: drive.py ADAPTER TARGET CASE N -> one JSON line of figures.

The clock is around the calls only: importing the client and making the run are outside it.
"""

import importlib.util
import json
import multiprocessing
import pathlib
import random
import statistics
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
PARAMS = METRICS = 20


def load(path):
    sys.path[0] = str(HERE.parent)
    spec = importlib.util.spec_from_file_location("peer", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Client


def timed(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def finish(client):
    """Clients that queue are done only when the queue is empty; the others have no such method."""
    return timed(getattr(client, "finish", lambda: None))


def percentiles(seconds):
    cuts = statistics.quantiles(seconds, n=100)
    return {"p50_ms": 1e3 * cuts[49], "p99_ms": 1e3 * cuts[98]}


def single(client, n):
    run = client.new_run()
    each = [timed(lambda: client.log(run, "loss", i / n, i)) for i in range(n)]
    seconds = sum(each) + finish(client)
    return {"seconds": seconds, "rps": n / seconds, **percentiles(each)}


def batch(client, n, size=1000):
    run = client.new_run()
    blocks = [[("loss", i / size, b * size + i) for i in range(size)] for b in range(n)]
    each = [timed(lambda: client.log_batch(run, block)) for block in blocks]
    seconds = sum(each) + finish(client)
    return {"seconds": seconds, "rps": n * size / seconds, **percentiles(each)}


def _writer(path, target, n, ready, go, out):
    client = load(path)(target)
    run = client.new_run()
    client.log(run, "loss", 0.0, 0)
    ready.wait()
    go.wait()
    start = time.time()
    for i in range(n):
        client.log(run, "loss", i / n, i + 1)
    finish(client)
    out.put((start, time.time()))
    client.close()


def writers(path, target, n, count=8):
    fork = multiprocessing.get_context("spawn")
    ready, go, out = fork.Barrier(count + 1), fork.Event(), fork.Queue()
    processes = [fork.Process(target=_writer, args=(path, target, n, ready, go, out)) for _ in range(count)]
    for p in processes:
        p.start()
    ready.wait()
    go.set()
    spans = [out.get() for _ in processes]
    for p in processes:
        p.join()
    seconds = max(end for _, end in spans) - min(start for start, _ in spans)
    return {"seconds": seconds, "rps": n * count / seconds}


def fill(client, n):
    rng = random.Random(7)

    def one():
        client.store(
            {f"p{i}": str(rng.randrange(10)) for i in range(PARAMS)}, {f"m{i}": rng.random() for i in range(METRICS)}
        )

    seconds = timed(lambda: [one() for _ in range(n)]) + finish(client)
    return {"seconds": seconds, "rps": n / seconds}


def search(client, n):
    rows = client.search(100)
    assert rows, "the search found nothing"
    assert rows == sorted(rows, reverse=True), rows
    each = [timed(lambda: client.search(100)) for _ in range(n)]
    return {"seconds": sum(each), **percentiles(each), "rows": len(rows)}


def order(client, n):
    rows = client.order(100)
    assert len(rows) == 100, rows
    assert rows == sorted(rows, reverse=True), rows
    each = [timed(lambda: client.order(100)) for _ in range(n)]
    return {"seconds": sum(each), **percentiles(each), "rows": len(rows)}


def history(client, n):
    run, size = client.new_run(), 1000
    for b in range(n // size):
        client.log_batch(run, [("loss", 0.5, b * size + i) for i in range(size)])
    finish(client)
    counts = []
    each = [timed(lambda: counts.append(client.history(run, "loss"))) for _ in range(3)]
    assert set(counts) == {n}, counts
    return {"seconds": statistics.median(each), "rps": n / statistics.median(each)}


if __name__ == "__main__":
    path, target, case, n = sys.argv[1:5]
    if case == "writers":
        figures = writers(path, target, int(n))
    else:
        client = load(path)(target)
        figures = globals()[case](client, int(n))
        client.close()
    print("FIGURES " + json.dumps(figures))
