"""Searching among 100,000 runs with 20 parameters and 20 metrics each: what people wait for, on both databases.

    python benchmarks/tracking_scale.py [--database URL] [--runs 100000] [--wide 1500] [--repeat 5] [--keep FILE]

Without --database an SQLite file in a scratch folder is filled, through the store's own functions, a thousand runs a
transaction; an empty PostgreSQL database is named by its URL (postgresql+psycopg://...). Each line is JSON: case, wall
and processor time in ms (median and worst of `--repeat`; the processor time is that of this process and of the
database's, and says more on a busy machine), rows. `--keep` leaves the SQLite file there, and uses it again.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import text

from zaffre.base.clock import now_ms
from zaffre.base.home import Home
from zaffre.base.ids import job_name, sequence
from zaffre.core.job_state import Status
from zaffre.services.context import Changes, Context, Settings
from zaffre.services.runs import keys, search
from zaffre.services.tracking.search_runs import search_runs
from zaffre.store import experiments, jobs, metrics, params, resources, run_key_counts, runs, schema
from zaffre.store.db import Database
from zaffre.store.metrics import Point
from zaffre.wire.runs import CountRuns, ListKeys, SearchRuns

EXPERIMENTS = [f"exp{number}" for number in range(12)]  # the first has half of the runs, the second a quarter ...
MODELS = ("tree", "forest", "linear", "net", "boost")
BATCH = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", help="URL of an empty PostgreSQL database")
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--wide", type=int, default=0, metavar="N", help="also N runs with N metric keys each")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        db = Database(options.database or f"sqlite:///{options.keep or Path(folder, 'zaffre.db')}")
        schema.prepare(db)
        measure(db, options)
        db.close()


def measure(db: Database, options: argparse.Namespace) -> None:
    context = Context(db=db, home=Home(Path("/nonexistent")), content=None, environments=None, remote=None, vault=None,  # type: ignore[arg-type]
                      settings=Settings(), changes=Changes())  # fmt: skip
    with db.write() as connection:
        resources.put_workspace(db, connection, "default", {})
        ids = [experiments.ensure(db, connection, "default", name).id for name in EXPERIMENTS]
        there = connection.execute(text("SELECT count(*) FROM jobs")).scalar_one()
    if not there:
        before = time.perf_counter()
        load(db, ids, options.runs)
        if options.wide:
            load_wide(db, options.wide)
        report("load", [(time.perf_counter() - before) * 1000], [cpu_of(db) * 1000], options.runs)

    if options.wide:
        wide_keys = ListKeys(experiment_name="wide", max_results=10_000)
        timed(db, "wide: keys, none of the runs counted", lambda: len(keys.keys(context, wide_keys).items), 1)
    report("counting keys", *counting(db))

    def people(rows: int = 100, **asked: Any) -> Callable[[], int]:
        request = SearchRuns(max_results=rows, **asked)
        return lambda: len(search.search(context, request).items)

    def client(filter_text: str = "", *orders: str, among: list[int] = ids[:1]) -> Callable[[], int]:
        wanted = [str(id_) for id_ in among]
        return lambda: len(
            search_runs(context, "default", wanted, filter_text=filter_text, orders=orders, max_results=100)[0]
        )

    def counted(filter_text: str | None = None, **asked: Any) -> Callable[[], int]:
        return lambda: search.count(context, CountRuns(filter=filter_text, **asked)).count

    columns = ["display_name", "status", "duration_s", "metrics.m0", "metrics.m1", "params.p0", "params.model"]
    some = EXPERIMENTS[2:7]
    cases: dict[str, Callable[[], int]] = {
        "newest 100": people(fields=columns),
        "newest 100 of one experiment": people(experiment_names=EXPERIMENTS[:1]),
        "newest 100 of five experiments": people(experiment_names=some),
        "metric, half of the runs": people(filter="metrics.m0 < 0.5"),
        "metric, 1 of 1,000": people(filter="metrics.m0 < 0.001"),
        "metric, only the oldest": people(filter="metrics.old > 0.5"),
        "metric that nobody has": people(filter="metrics.none < 0.5"),
        "order by metric": people(order_by=["metrics.m1 desc"]),
        "order by metric, one experiment": people(order_by=["metrics.m1"], experiment_names=EXPERIMENTS[:1]),
        "order by metric, five experiments": people(order_by=["metrics.m1"], experiment_names=some),
        "order by metric, small experiment": people(order_by=["metrics.m1"], experiment_names=EXPERIMENTS[-1:]),
        "order by rare metric": people(order_by=["metrics.old"]),
        "order by parameter": people(order_by=["params.p1"]),
        "order by duration": people(order_by=["duration desc"]),
        "filter and order": people(filter="metrics.m0 < 0.3 and params.model = 'tree'", order_by=["metrics.m1"]),
        "narrow filter and order": people(
            filter="metrics.m0 < 0.01 and metrics.m2 > 0.9 and params.model != 'tree'", order_by=["metrics.m1"]
        ),
        "parameter LIKE, a fifth": people(filter="params.model LIKE 'tr%'"),
        "parameter LIKE, 1 of 10,000": people(filter="params.p0 LIKE '%1234'"),
        "parameter = number": people(filter="params.p1 = 77"),
        "parameter above a number": people(filter="params.p1 > 995"),
        "status": people(filter="status = 'Failed'"),
        "second page by metric": second_page(context),
        "client: newest 100": client(),
        "client: metric": client("metrics.m0 < 0.001"),
        "client: order by metric": client("", "metrics.m1 DESC"),
        "client: filter and order": client("metrics.m0 < 0.3 and params.model = 'tree'", "metrics.m1 ASC"),
        "client: order by parameter": client("", "params.p1 ASC"),
        "client: order by parameter of five values": client("", "params.model DESC"),
        "client: twelve experiments by parameter": client("", "params.p0 DESC", among=ids),
        "client: LIKE": client("params.p0 LIKE '%1234'"),
        "client: twelve experiments by metric": client("", "metrics.m1 DESC", among=ids),
        "count": counted(),
        "count, metric": counted("metrics.m0 < 0.5"),
        "count, metric and parameter": counted("metrics.m0 < 0.3 and params.model = 'tree'"),
        "count, LIKE": counted("params.p0 LIKE '%1234'"),
        "keys": lambda: len(keys.keys(context, ListKeys()).items),
        "keys by prefix": lambda: len(keys.keys(context, ListKeys(prefix="m1", kind="metrics")).items),
        "keys of one experiment": lambda: len(keys.keys(context, ListKeys(experiment_name=EXPERIMENTS[0])).items),
    }
    if options.wide:
        wide = ["wide"]
        cases |= {
            "wide: 100 rows, 10 columns": people(experiment_names=wide, fields=[f"metrics.w{n}" for n in range(10)]),
            "wide: 100 rows, all columns": people(experiment_names=wide, fields=["metrics.*"]),
            "wide: order by one": people(experiment_names=wide, order_by=["metrics.w7"]),
            "wide: keys": lambda: len(keys.keys(context, wide_keys).items),
        }
    for name, call in cases.items():
        timed(db, name, call, options.repeat)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"case": "memory of this process, MB", "value": round(peak)}))


def counting(db: Database) -> tuple[list[float], list[float], int]:
    """Times in ms, and how many runs: as the server does it a while after they began."""
    before, cpu, runs = time.perf_counter(), cpu_of(db), 0
    while True:
        with db.write() as connection:
            found = run_key_counts.count_quiet(db, connection, 2**62, 2**62)
        runs += found
        if not found:
            return [(time.perf_counter() - before) * 1000], [(cpu_of(db) - cpu) * 1000], runs


def second_page(context: Context) -> Callable[[], int]:
    first = SearchRuns(order_by=["metrics.m1"], filter="metrics.m0 < 0.5")

    def call() -> int:
        cursor = search.search(context, first).cursor
        return len(search.search(context, first.model_copy(update={"cursor": cursor})).items)

    return call


def load(db: Database, experiment_ids: list[int], count: int) -> None:
    chance, began = random.Random(7), now_ms() - count * 1000
    for start in range(0, count, BATCH):
        records, points, given = [], [], []
        for number in range(start, min(start + BATCH, count)):
            record = run_record(experiment_ids[min(int(chance.expovariate(0.7)), 11)],
                                began + number * 1000, chance)  # fmt: skip
            records.append(record)
            values = {f"m{n}": chance.random() for n in range(20)}
            if number < count // 20:
                values["old"] = chance.random()
            points.append((record.id, [Point(key, value, record.created_at, 1) for key, value in values.items()]))
            settings = {
                f"p{n}": str(chance.randrange(1000) if n else f"text {chance.randrange(10_000)}") for n in range(19)
            }
            given.append((record.id, settings | {"model": chance.choice(MODELS)}))
        write(db, records, points, given)


def load_wide(db: Database, count: int) -> None:
    chance = random.Random(8)
    with db.write() as connection:
        experiment = experiments.ensure(db, connection, "default", "wide").id
    for start in range(0, count, 50):
        records = [run_record(experiment, now_ms(), chance) for _ in range(start, min(start + 50, count))]
        points = [(r.id, [Point(f"w{n}", chance.random(), 1, 1) for n in range(count)]) for r in records]
        write(db, records, points, [])


def run_record(experiment: int, at: int, chance: random.Random) -> jobs.JobRecord:
    id_ = sequence()
    status = chance.choices((Status.COMPLETED, Status.FAILED, Status.CANCELED), (90, 9, 1))[0]
    return jobs.JobRecord(
        id=id_, workspace="default", name=job_name(), type=runs.INTERACTIVE, status=status, root_id=id_,
        experiment_id=experiment, spec={"type": runs.INTERACTIVE}, created_at=at, changed_at=at, started_at=at,
        ended_at=at + chance.randrange(1, 100_000), display_name=f"run {at}", created_by="owner",
    )  # fmt: skip


def write(db: Database, records: list[jobs.JobRecord], points: Any, given: Any) -> None:
    with db.write() as connection:
        jobs.insert(connection, records)
        for id_, values in given:
            params.add(db, connection, id_, str(id_), values)
        metrics.append(db, connection, points)


def timed(db: Database, name: str, call: Callable[[], int], repeat: int) -> None:
    walls, cpus, rows = [], [], call()
    for _ in range(repeat):
        cpu, wall = cpu_of(db), time.perf_counter()
        call()
        walls.append((time.perf_counter() - wall) * 1000)
        cpus.append((cpu_of(db) - cpu) * 1000)
    report(name, walls, cpus, rows)


def cpu_of(db: Database) -> float:
    """Seconds of this process and, on this machine, of PostgreSQL's processes of this database."""
    own = time.process_time()
    if db.is_sqlite:
        return own
    theirs = 0.0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f" {db.url.database} " in process.joinpath("cmdline").read_text():
                theirs += int(process.joinpath("schedstat").read_text().split()[0]) / 1e9
        except OSError:
            continue
    return own + theirs


def report(name: str, walls: list[float], cpus: list[float], rows: int) -> None:
    print(
        json.dumps(
            {
                "case": name,
                "wall_ms": round(statistics.median(walls), 1),
                "worst_ms": round(max(walls), 1),
                "cpu_ms": round(statistics.median(cpus), 1),
                "rows": rows,
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    main()
