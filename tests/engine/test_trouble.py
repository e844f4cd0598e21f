"""Trouble around the jobs: errors nobody foresaw, a server that comes and goes, a database that does not answer."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lab import ENDED, Lab, command_job, open_home, pipeline_job, step
from sqlalchemy import text

from zaffre.app.platform import DATABASE_VARIABLE
from zaffre.base.errors import Unavailable, ZaffreError
from zaffre.engine import finish, pipeline, prepare
from zaffre.engine.job import running
from zaffre.engine.motor import Motor
from zaffre.plugins.local_process.backend import LocalProcessBackend
from zaffre.ports.compute import Observation, TaskState

Until = Callable[..., None]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """What is logged here holds characters that a report cannot carry from one process of pytest to another."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def poisoned(original: Callable[..., Any], position: int) -> Callable[..., Any]:
    """A function of the engine that breaks for jobs with the word `poison` in their command or node."""

    def call(*args: Any, **named: Any) -> Any:
        job = args[position].job
        if "poison" in str(job.plan.get("command")) or "poison" in str(job.plan.get("nodes")):
            raise RuntimeError("a fault of ours\0 \ud800")
        return original(*args, **named)

    return call


@pytest.mark.parametrize("stage", ["prepare", "prepare_in_worker", "finish", "finish_in_worker", "watch"])
def test_an_error_in_a_stage_ends_that_job_only(lab: Lab, stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.command("true")
    module, name = {"prepare": (prepare, "prepare"), "finish": (finish, "finish"), "watch": (running, "watch")}[
        stage.removesuffix("_in_worker")
    ]
    monkeypatch.setattr(module, name, poisoned(getattr(module, name), 1))
    if stage.endswith("_in_worker"):
        monkeypatch.setattr(module, "is_quick", lambda *_: False)
    good = lab.submit(pipeline_job({"a": step("true"), "b": step("sleep 0.2", "a")}))
    bad = lab.run(command_job("sleep 0.1 # poison"))
    assert (bad.status, bad.error["code"]) == ("Failed", "InternalError")
    assert bad.reason == "an error inside Zaffre: RuntimeError: a fault of ours? ?"
    assert lab.ended(good.name).status == "Completed"
    mixed = lab.run(pipeline_job({"poison": command_job("true # poison"), "good": command_job("true")},
                                 settings={"continue_on_step_failure": True}))  # fmt: skip
    assert lab.statuses(mixed.name) == {"poison": "Failed", "good": "Completed"}


def test_a_pipeline_that_cannot_go_on_is_given_up(lab: Lab, monkeypatch: pytest.MonkeyPatch, until: Until) -> None:
    monkeypatch.setattr(pipeline, "advance", poisoned(pipeline.advance, 1))
    bad = lab.run(pipeline_job({"poison": command_job("true")}))
    assert (bad.status, bad.error["code"]) == ("Failed", "InternalError")
    assert lab.run(pipeline_job({"good": command_job("true")})).status == "Completed"


def test_a_tree_that_cannot_be_written_does_not_hold_up_others(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    remember = Motor.remember_lock

    def broken(motor: Motor, live: Any, lock: Any) -> None:
        remember(motor, live, lock)
        if "poison" in live.plan["command"]:
            live.job.facts["broken"] = "\0\ud800"

    lab.command("true")
    monkeypatch.setattr(Motor, "remember_lock", broken)
    names = [lab.submit(command_job(f"sleep 0.1 # {'poison' if n == 2 else n}")).name for n in range(5)]
    ended = [lab.ended(name) for name in names]
    assert [job.status for job in ended] == ["Completed", "Completed", "Failed", "Completed", "Completed"]


def test_a_damaged_plan_does_not_stop_the_next_server(lab: Lab, until: Until) -> None:
    waiting = lab.submit(pipeline_job({"a": step("sleep 1"), "b": step("true", "a")}))
    other = lab.submit(command_job("sleep 1"))
    until(lambda: lab.statuses(waiting.name).get("a") == "Running")
    lab.close()
    from zaffre.store.db import Database

    url = os.environ.get(DATABASE_VARIABLE)
    database = Database(url) if url else Database.at(lab.home)
    with database.write() as connection:
        connection.execute(
            text('UPDATE jobs SET plan = \'{"kind": "pipeline"}\' WHERE name = :name'), {"name": waiting.name}
        )
    database.close()
    lab.open()
    ended = lab.ended(waiting.name)
    assert (ended.status, ended.error["code"]) == ("Failed", "InternalError")
    assert set(lab.statuses(waiting.name).values()) <= set(ENDED)
    assert lab.ended(other.name).status == "Completed"


def test_a_descriptor_that_fires_early_loses_nothing(quick_lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    observe = LocalProcessBackend.observe

    def late(backend: LocalProcessBackend, handles: Any) -> list[Observation]:
        looks.append(1)
        return [Observation(TaskState.RUNNING)] if len(looks) < 4 else observe(backend, handles)

    monkeypatch.setattr(LocalProcessBackend, "observe", late)
    assert quick_lab.command("true").status == "Completed"


def test_a_timer_of_an_earlier_attempt_does_not_stop_a_later_one(quick_lab: Lab, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    job = quick_lab.command(
        f"test -e {mark} && exec sleep 1.2; touch {mark}; sleep 0.7; false",
        limits={"timeout": 1.7},
        retry_settings={"max_retries": 1, "backoff": 0.01},
    )
    assert job.status == "Completed", job.reason


@pytest.mark.parametrize("again", ["at_once", "when_it_has_ended"])
def test_a_time_limit_is_the_reason_also_after_a_restart(lab: Lab, until: Until, tmp_path: Path, again: str) -> None:
    """The server stops the job, and is gone itself when that ends."""
    lab.command("true")  # its environment is there then
    mark = tmp_path / "asked"
    deed = f"trap 'touch {mark}; sleep 0.7; exit 143' TERM; while :; do sleep 0.05; done"
    single = lab.submit(command_job(deed, limits={"timeout": 1}))
    whole = lab.submit(
        pipeline_job(
            {"a": step(f"test -e {mark}2 || {{ touch {mark}2; trap '' TERM; sleep 4; }}")}, limits={"timeout": 1}
        )
    )
    until(mark.exists, "the job was asked to end")
    until(lambda: "limit" in (lab.ws.jobs.get(whole.name).reason or ""))
    lab.close()
    if again == "when_it_has_ended":
        time.sleep(1.5)
    lab.open()
    for job in (single, whole):
        ended = lab.ended(job.name)
        assert (ended.status, ended.error["code"]) == ("Failed", "Timeout")
    assert lab.ended(lab.ws.jobs.resume(whole.name).name).status == "Completed", "it has its whole time again"


def test_jobs_outlive_the_server(lab: Lab, until: Until, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    ends = lab.submit(command_job(f"echo x >> {mark}; sleep 0.5; echo done > ${{{{outputs.out}}}}/x",
                                  outputs={"out": {"type": "uri_folder", "name": "kept"}}))  # fmt: skip
    goes_on = lab.submit(command_job("sleep 2"))
    until(lambda: {lab.ws.jobs.get(job.name).status for job in (ends, goes_on)} == {"Running"})
    queued = lab.submit(pipeline_job({"a": step(f"echo a >> {mark}"), "b": step("true", "a")}))
    lab.close()
    time.sleep(1)
    lab.open()
    assert lab.ws.jobs.get(goes_on.name).status == "Running"
    for job in (ends, goes_on, queued):
        assert lab.ended(job.name).status == "Completed"
    assert sorted(mark.read_text().split()) == ["a", "x"]
    assert lab.ws.data.get("kept", label="latest").version == "1"


def test_a_cancel_is_taken_up_by_the_next_server(lab: Lab, until: Until, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "STOP_GRACE_S", 1.0)
    stubborn = lab.submit(command_job("trap '' TERM; echo ready; while :; do sleep 0.1; done"))
    until(lambda: lab.log(stubborn.name) == b"ready\n")
    lab.ws.jobs.cancel(stubborn.name)
    until(lambda: lab.ws.jobs.get(stubborn.name).status == "CancelRequested")
    lab.platform.engine.motor.compute._stopper._pending.clear()  # type: ignore[attr-defined]  # as if it had died
    lab.reopen()
    assert lab.ended(stubborn.name, 20).status == "Canceled"


def test_a_wish_to_cancel_survives_when_nobody_heard_it(lab: Lab) -> None:
    job = lab.submit(command_job("sleep 60"))
    lab.platform.ctx.changes.work = lambda _root: None
    lab.ws.jobs.cancel(job.name)
    lab.reopen()
    assert lab.ended(job.name, 20).status == "Canceled"


def test_postgres_connections_that_break(
    tmp_path: Path, environments: Path, postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DATABASE_VARIABLE, postgres_database)
    lab = open_home(tmp_path / "home", environments)
    try:
        lab.command("true")
        marks = tmp_path / "marks"
        jobs = {f"s{n}": command_job(f"echo s{n} >> {marks}; sleep 0.05") for n in range(20)}
        job = lab.submit(pipeline_job(jobs))
        other = lab.platform.ctx.db.engine.execution_options(isolation_level="AUTOCOMMIT")
        for _ in range(6):
            time.sleep(0.1)
            with other.connect() as connection:
                connection.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                                        "datname = current_database() AND pid <> pg_backend_pid()"))  # fmt: skip
        while True:  # questions of this client meet broken connections too
            with contextlib.suppress(Unavailable):
                ended = lab.ended(job.name, 60)
                break
        assert ended.status == "Completed", lab.steps(job.name)
        assert sorted(marks.read_text().split()) == sorted(jobs), "each ran once"
    finally:
        lab.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk: Path) -> Path:
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        block = bytes(1 << 16)
        while block:
            try:
                file.write(block)
            except OSError:
                block = block[: len(block) // 2]
    assert shutil.disk_usage(disk).free < 4096
    return filler


def test_a_full_disk_loses_nothing_and_work_goes_on_when_there_is_space(
    small_disk: Path, environments: Path, until: Until, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(DATABASE_VARIABLE, raising=False)
    lab = open_home(small_disk / "home", environments)
    marks = tmp_path / "marks"
    try:
        assert lab.command("true").status == "Completed"
        steps = {"a": step(f"sleep 1; echo a >> {marks}"), "b": step(f"echo b >> {marks}", "a")}
        runs = lab.submit(pipeline_job(steps))
        until(lambda: lab.statuses(runs.name).get("a") == "Running")
        filler = fill(small_disk)
        many = (command_job("true", display_name="x" * 1000) for _ in range(40))
        with pytest.raises(ZaffreError, match="full") as refused:
            list(map(lab.submit, many))  # the first few may find room in a page
        assert refused.value.code == "DiskFull", "a job that cannot be written down is not accepted"
        time.sleep(2)
        assert marks.read_text() == "a\n", "what runs, runs on"
        filler.unlink()
        ended = lab.ended(runs.name)
        assert ended.status == "Completed", lab.steps(runs.name)
        assert marks.read_text() == "a\nb\n", "nothing ran twice"
        for job in lab.ws.jobs.list():
            assert lab.ended(job.name).status in ("Completed", "Failed")
        assert lab.command("true").status == "Completed"
        greedy = lab.submit(command_job("head -c 100M /dev/zero > outputs/x"))
        until(lambda: shutil.disk_usage(small_disk).free < 4096, "the job has filled the disk")
        time.sleep(0.5)
        (lab.platform.ctx.home.artifacts("default", greedy.name) / "outputs" / "x").unlink()
        assert (lab.ended(greedy.name).status, lab.ended(greedy.name).reason) == ("Failed", "exit status 1")
    finally:
        lab.close()


def test_an_environment_waits_for_space(
    small_disk: Path, until: Until, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(DATABASE_VARIABLE, raising=False)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "environments").symlink_to(small_disk)
    filler = fill(small_disk)
    with filler.open("r+b") as file:
        file.truncate(20 << 20)
    lab = Lab(tmp_path / "home")
    try:
        job = lab.submit(command_job("true"))
        until(lambda: "tries again" in (lab.ws.jobs.get(job.name).reason or ""))
        filler.unlink()
        assert lab.ended(job.name).status == "Completed"
        assert any(
            f"the disk of {tmp_path / 'home' / 'environments'} is full" in reason
            and "MB were free there when the build began, and more is needed: tries again in 1 s" in reason
            for reason in lab.reasons(job.name)
        )
    finally:
        lab.close()


def test_a_locked_database_is_waited_for(quick_lab: Lab) -> None:
    import sqlite3

    job = quick_lab.submit(command_job("sleep 0.3"))
    other = sqlite3.connect(quick_lab.home / "zaffre.db", isolation_level=None)
    time.sleep(0.15)
    other.execute("BEGIN IMMEDIATE")
    time.sleep(1)
    other.execute("COMMIT")
    other.close()
    assert quick_lab.ended(job.name).status == "Completed"
