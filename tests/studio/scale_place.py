"""A server with a lot in it: runs, metrics of one run, points of one metric, steps, a long log, a full folder."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from studio_place import Place, curve

from zaffre.base.home import Home
from zaffre.store.metric_form import fold
from zaffre.store.metrics import CHUNK_POINTS

RUNS, KEYS, POINTS, STEPS, LOG_BYTES, FILES = 100_000, 1_500, 1_000_000, 501, 1 << 30, 100_000
CURVES = 120  # so many of the runs have their curves too
SPIKE = 777_777
OLDER_MS = 20 * 60_000  # quiet for so long, the keys of runs are counted


@dataclass
class Much:
    place: Place
    wide: str
    long: str
    pipeline: str
    printer: str
    drawn: list[str] = field(default_factory=lambda: [f"many_{at}" for at in range(1, CURVES + 1)])


def fill(place: Place, steps: dict[str, Any] | None = None) -> Much:
    """All of it, in half a minute; `steps` of the pipeline are waiting for a busy compute."""
    home = Home(place.home)
    base = place.run("many", "one of many", {"lr": 0.1, "depth": 6}, curve(0.01, 6, 50, 1))
    wide = place.run("wide", "wide", {}, {f"layer{at // 10}/gain_{at}": [at / 7, at / 8] for at in range(KEYS)})
    long = place.run("long", "long", {}, {"loss": [0.0]})
    place.api("POST", "/computes", {"spec": {"name": "one", "type": "amlcompute", "size": "local", "max_instances": 1}})
    place.reaches(place.command("sleep 3000", compute="one"), "Running")
    steps = steps or {f"step_{at}": {"type": "command", "command": "true", "environment": "azureml:python@latest"}
             for at in range(STEPS)}  # fmt: skip
    pipeline = place.submit({"type": "pipeline", "jobs": steps, "settings": {"default_compute": "azureml:one"}})
    printer = place.command("echo first line")
    place.ended(printer)
    with sqlite3.connect(home.database, timeout=60) as database:
        _multiply(database, base)
        _lengthen(database, long)
    _print_more(home.log("default", printer))
    folder = home.artifacts("default", printer) / "outputs"
    folder.mkdir(parents=True, exist_ok=True)
    for at in range(FILES):
        os.close(os.open(folder / f"image_{at:06}.png", os.O_CREAT | os.O_WRONLY))
    return Much(place, wide, long, pipeline, printer)


def _multiply(database: sqlite3.Connection, run: str) -> None:
    """The same run again and again, older each time, with metrics and parameters of its own."""
    (base,) = database.execute("SELECT id FROM jobs WHERE name = ?", [run]).fetchone()
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {RUNS})"
    for table, key, changed in (
        ("jobs", "id", {"name": "'many_' || i", "root_id": f"{base} - i", "display_name": "'run ' || i",
                        "created_at": "created_at - i * 1000", "ended_at": f"ended_at - i * 1000 - {OLDER_MS}",
                        "keys_counted": "0"}),
        ("params", "job_id", {}),
        ("metric_latest", "job_id", {"value": "value + (i % 997) / 1000.0"}),
        ("metric_chunks", "job_id", {"id": "NULL"}),
    ):  # fmt: skip
        columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
        values = [f"{base} - i" if name == key else changed.get(name, f't."{name}"') for name in columns]
        said = ", ".join(f'"{name}"' for name in columns)
        database.execute(
            f"INSERT INTO {table} ({said}) {numbers} SELECT {', '.join(values)} FROM {table} t, n"
            f" WHERE t.{key} = {base} AND i <= {CURVES if table == 'metric_chunks' else RUNS}"
        )


def _lengthen(database: sqlite3.Connection, run: str) -> None:
    (job,) = database.execute("SELECT id FROM jobs WHERE name = ?", [run]).fetchone()
    points = np.zeros(POINTS, [("s", "<i8"), ("t", "<i8"), ("v", "<f8")])
    points["s"], points["t"] = np.arange(POINTS), np.arange(POINTS) + 10**12
    points["v"] = np.exp(-np.arange(POINTS) / 2e5)
    points["v"][SPIKE] = 42.0
    database.execute("DELETE FROM metric_chunks WHERE job_id = ?", [job])
    for start in range(0, POINTS, CHUNK_POINTS):
        part = points[start : start + CHUNK_POINTS]
        database.execute(
            "INSERT INTO metric_chunks (id, job_id, key, count, points) VALUES (?, ?, 'loss', ?, ?)",
            [job + 1 + start, job, len(part), fold(part.tobytes())],
        )
    database.execute("UPDATE metric_latest SET points = ?, step = ? WHERE job_id = ?", [POINTS, POINTS - 1, job])


def _print_more(log: Path) -> None:
    """A gigabyte, most of it a hole: what is read of it is read over the network, and counted."""
    with log.open("r+b") as file:
        file.truncate(LOG_BYTES - 40 * 30_000)
        file.seek(0, 2)
        file.writelines(f"{at:06} an ordinary line of a log....\n".encode()[-40:] for at in range(30_000))
