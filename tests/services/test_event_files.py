"""TensorBoard's event files as metrics: what its own writer wrote, half-written files, and files made to do harm."""

from __future__ import annotations

import math
import os
import random
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import write_events
from sqlalchemy import func, select

from zaffre.app.tensorboard import environment
from zaffre.base.home import Home
from zaffre.core.event_file import Damaged, frames, scalars
from zaffre.services.context import Changes, Context, Settings
from zaffre.services.metrics import event_files
from zaffre.services.metrics.event_files import EventFiles
from zaffre.services.tracking.create_run import create_run
from zaffre.store import metrics, resources
from zaffre.store.db import Database
from zaffre.store.tables.tracking import metric_chunks

COUNT = 40


@pytest.fixture(scope="session")
def real_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Written by TensorBoard's own writer, in both forms of scalars, beside a histogram, a text and a picture."""
    folder = tmp_path_factory.mktemp("events")
    script = Path(write_events.__file__)
    subprocess.run([str(environment()), str(script), str(folder), str(COUNT), "0"], check=True, capture_output=True)
    (found,) = folder.iterdir()
    return found


@pytest.fixture
def context(database: Database, tmp_path: Path) -> Context:
    with database.write() as connection:
        resources.put_workspace(database, connection, "default", {})
    unused: Any = None
    return Context(db=database, home=Home(tmp_path), content=unused, environments=unused, remote=unused, vault=unused,
                  settings=Settings(), changes=Changes())  # fmt: skip


@pytest.fixture
def run(context: Context) -> tuple[str, int]:
    made = create_run(context, "default", experiment_id="0", run_name=None, user=None, start_time=None, tags={})
    return made.record.name, made.record.id


def _history(context: Context, job: int, key: str) -> list[tuple[int, int, float]]:
    with context.db.read() as connection:
        return metrics.history(connection, job, key)


def _keys(context: Context, job: int) -> list[str]:
    with context.db.read() as connection:
        return metrics.keys(connection, [job])


def test_what_tensorboard_writes_is_read(
    context: Context, run: tuple[str, int], real_file: Path, tmp_path: Path
) -> None:
    place = tmp_path / "outputs" / "train"
    place.mkdir(parents=True)
    (place / real_file.name).write_bytes(real_file.read_bytes())
    files = EventFiles("default", run[0])
    count = files.collect(context, [(tmp_path, "outputs"), (tmp_path, "logs")], 30)
    numbers = [f"train/new/{kind}" for kind in ("float16", "float32", "float64", "int32", "int64", "listed")]
    assert _keys(context, run[1]) == [*numbers, "train/odd", "train/old/loss"]
    assert count == (COUNT - 1) * 7 + 1, "the event with the picture is passed over"
    steps = [step for step in range(COUNT) if step != 1]
    times = [(1_700_000_000 + step) * 1000 for step in steps]
    found = _history(context, run[1], "train/old/loss")
    assert [(at, step) for at, step, _ in found] == [(at, step - 1) for at, step in zip(times, steps, strict=True)]
    assert [value for _, _, value in found] == pytest.approx([1 / (step + 1) for step in steps], rel=1e-6)
    assert [value for _, _, value in _history(context, run[1], "train/new/float64")] == [step + 0.5 for step in steps]
    assert [value for _, _, value in _history(context, run[1], "train/new/float16")] == [step + 0.5 for step in steps]
    assert [value for _, _, value in _history(context, run[1], "train/new/int64")] == steps
    assert [value for _, _, value in _history(context, run[1], "train/new/listed")] == [step * 2 for step in steps]
    assert math.isnan(_history(context, run[1], "train/odd")[0][2])
    assert files.collect(context, [(tmp_path, "outputs")], 30) == 0
    assert EventFiles("default", run[0]).collect(context, [(tmp_path, "outputs")], 30) == count, "the next server"
    assert len(_history(context, run[1], "train/old/loss")) == COUNT - 1, "reads it again and says nothing new"


def test_a_file_that_grows_byte_by_byte(context: Context, run: tuple[str, int], tmp_path: Path) -> None:
    whole = b"".join(write_events.frame(write_events.event("loss", step, step)) for step in range(20))
    (tmp_path / "logs").mkdir()
    file = tmp_path / "logs" / "events.out.tfevents.1"
    files, seen = EventFiles("default", run[0]), 0
    size = len(whole) // 20
    for end in range(0, len(whole) + 1, 7):
        file.write_bytes(whole[:end])
        seen += files.collect(context, [(tmp_path, "logs")], 5)
        assert seen == end // size or abs(seen - end / size) < 1.1
    file.write_bytes(whole)
    assert seen + files.collect(context, [(tmp_path, "logs")], 5) == 20
    assert [step for _, step, _ in _history(context, run[1], "loss")] == list(range(20))
    file.write_bytes(write_events.frame(write_events.event("loss", 7, 100)))  # begun anew
    assert files.collect(context, [(tmp_path, "logs")], 5) == 1


def test_a_damaged_event_ends_the_file_and_harms_no_other(
    context: Context, run: tuple[str, int], tmp_path: Path
) -> None:
    one = [write_events.frame(write_events.event("loss", step, step)) for step in range(5)]
    (tmp_path / "logs").mkdir()
    spoiled = bytearray(b"".join(one))
    spoiled[len(one[0]) * 2 + 20] ^= 1
    (tmp_path / "logs" / "a.tfevents").write_bytes(spoiled)
    (tmp_path / "logs" / "b.tfevents").write_bytes(write_events.frame(write_events.event("other", 1, 1)))
    files = EventFiles("default", run[0])
    assert files.collect(context, [(tmp_path, "logs")], 5) == 3
    assert _keys(context, run[1]) == ["loss", "other"]
    (tmp_path / "logs" / "a.tfevents").write_bytes(b"".join(one))  # it was only half written
    assert files.collect(context, [(tmp_path, "logs")], 5) == 3


def test_sec_04_nothing_but_files_of_the_job_is_read(context: Context, run: tuple[str, int], tmp_path: Path) -> None:
    outside = tmp_path / "outside.tfevents"
    outside.write_bytes(write_events.frame(write_events.event("stolen", 1, 1)))
    place = tmp_path / "job" / "outputs"
    place.mkdir(parents=True)
    (place / "link.tfevents").symlink_to(outside)
    (place / "folder").symlink_to(tmp_path)
    (place / "loop").symlink_to(place)
    os.mkfifo(place / "pipe.tfevents")
    (place / "zero.tfevents").symlink_to("/dev/zero")
    (place / "folder.tfevents").mkdir()
    began = time.monotonic()
    assert EventFiles("default", run[0]).collect(context, [(tmp_path / "job", "outputs")], 5) == 0
    assert time.monotonic() - began < 5
    assert _keys(context, run[1]) == []


def test_hostile_files_end_in_time(context: Context, run: tuple[str, int], tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    chance = random.Random(4)

    def put(name: str, data: bytes) -> None:
        (tmp_path / "logs" / f"{name}.tfevents").write_bytes(data)

    put("huge", (2**63).to_bytes(8, "little") + write_events.masked((2**63).to_bytes(8, "little")) + b"x" * 100)
    put("deep", write_events.frame(b"\x2a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"))
    put("endless", write_events.frame(b"\x10" + b"\xff" * 100))
    put("kinds", write_events.frame(b"\x0b\x0b\x0b"))
    put("noise", chance.randbytes(100_000))
    put("long-tag", write_events.frame(write_events.event("k" * 10_000, 1, 1)))
    put("nul", write_events.frame(write_events.event("a\0b", 1, 1)))
    put("bytes", write_events.frame(b"\x2a\x08\x0a\x06\x0a\x02\xff\xfe\x15\0\0\0\0"[:12]))
    with (tmp_path / "logs" / "sparse.tfevents").open("wb") as file:
        file.truncate(1 << 40)
    began = time.process_time()
    EventFiles("default", run[0]).collect(context, [(tmp_path, "logs")], 5)
    assert time.process_time() - began < 5
    assert _keys(context, run[1]) == ["a�b"]


def test_limits_on_keys_and_files(
    context: Context, run: tuple[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_files, "KEYS", 10)
    monkeypatch.setattr(event_files, "FILES", 3)
    (tmp_path / "logs").mkdir()
    for number in range(5):
        data = b"".join(write_events.frame(write_events.event(f"k{number}.{n}", 1, n)) for n in range(6))
        (tmp_path / "logs" / f"{number}.tfevents").write_bytes(data)
    EventFiles("default", run[0]).collect(context, [(tmp_path, "logs")], 5)
    with context.db.read() as connection:
        assert connection.execute(select(func.count(func.distinct(metric_chunks.c.key)))).scalar_one() == 10


def test_any_change_of_any_byte_is_noticed_or_harmless() -> None:
    good = write_events.frame(write_events.event("loss", 2.0, 7))
    ((event, end),) = frames(good)
    assert end == len(good)
    assert event is not None
    assert list(scalars(event, set())) == [("loss", 7, 1_700_000_007_000, 2.0)]
    for at in range(len(good)):
        for bit in range(8):
            bad = bytearray(good)
            bad[at] ^= 1 << bit
            with pytest.raises(Damaged):
                list(frames(bytes(bad)))
    chance = random.Random(1)
    for _ in range(20_000):  # what has a right checksum may still be anything
        bad = bytearray(event)
        for _ in range(chance.randrange(1, 4)):
            bad[chance.randrange(len(bad))] = chance.randrange(256)
        try:
            for scalar in scalars(bytes(bad), set()):
                assert -(2**63) <= scalar.step < 2**63
                assert -(2**63) <= scalar.timestamp < 2**63
        except Damaged:
            pass
