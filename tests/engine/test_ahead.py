"""The step in front of the queue is made ready while it waits, and that shows nowhere but in the time it takes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lab import ENDED, Lab, command_job

from zaffre.base.errors import ZaffreError
from zaffre.core.job_state import Status
from zaffre.engine import prepare, rescue
from zaffre.engine.job import preparing


def reaches(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not look():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


def full(lab: Lab) -> str:
    """A job that takes the one place of the compute, until it is cancelled."""
    lab.command("true")  # the environment stands
    lab.ws.compute.create_or_update({"name": "one", "type": "amlcompute", "size": "local", "max_instances": 1})
    job = lab.submit(command_job("sleep 600", **ON))
    reaches(lambda: lab.ws.jobs.get(job.name).status == "Running")
    return job.name


ON = {"compute": "one"}


def folder(lab: Lab, job: str) -> Path:
    return lab.home / "jobs" / "default" / job / "0" / "work"


def test_a_waiting_step_is_ready_and_still_queued(quick_lab: Lab) -> None:
    blocking = full(quick_lab)
    job = quick_lab.submit(command_job("pwd; echo went", **ON))
    reaches(folder(quick_lab, job.name).is_dir)
    assert quick_lab.ws.jobs.get(job.name).status == "Queued"
    quick_lab.ws.jobs.cancel(blocking)
    assert quick_lab.ended(job.name).status == "Completed"
    assert "went" in quick_lab.text(job.name)
    assert quick_lab.events(job.name) == ["Queued", "Preparing", "Starting", "Running", "Finalizing", "Completed"]


def test_a_ready_step_can_be_cancelled(quick_lab: Lab) -> None:
    blocking = full(quick_lab)
    job = quick_lab.submit(command_job("echo went", **ON))
    reaches(folder(quick_lab, job.name).is_dir)
    quick_lab.ws.jobs.cancel(job.name)
    assert quick_lab.ended(job.name).status == "Canceled"
    quick_lab.ws.jobs.cancel(blocking)
    assert quick_lab.ended(blocking).status == "Canceled"
    assert quick_lab.command("echo next").status == "Completed"
    assert quick_lab.text(job.name) == ""


def test_what_is_wrong_with_a_waiting_step_is_said_in_its_turn(quick_lab: Lab) -> None:
    blocking = full(quick_lab)
    out = {"type": "uri_folder", "path": "azureml://datastores/workspaceblobstore/paths/taken"}
    place = quick_lab.home / "workspaces" / "default" / "workspaceblobstore" / "taken"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("in the way")
    job = quick_lab.submit(command_job("true", outputs={"out": out}, **ON))
    reaches(folder(quick_lab, job.name).is_dir)
    assert quick_lab.ws.jobs.get(job.name).status == "Queued"
    quick_lab.ws.jobs.cancel(blocking)
    ended = quick_lab.ended(job.name)
    assert ended.status == "Failed"
    assert "exists and is no folder" in str(ended.error)


def test_a_ready_step_of_an_earlier_server_is_made_ready_anew(quick_lab: Lab) -> None:
    blocking = full(quick_lab)
    job = quick_lab.submit(command_job("ls; echo went", **ON))
    reaches(folder(quick_lab, job.name).is_dir)
    (folder(quick_lab, job.name) / "left").write_text("behind")
    quick_lab.reopen()
    quick_lab.ws.jobs.cancel(blocking)
    assert quick_lab.ended(job.name).status in ENDED
    assert "went" in quick_lab.text(job.name)
    assert "left" not in quick_lab.text(job.name)


def test_a_step_that_nothing_can_be_made_ready_for_takes_no_place(
    quick_lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocking = full(quick_lab)
    looked, original = threading.Event(), prepare.is_quick

    def odd(ctx: Any, live: Any) -> bool:
        if live.job.status is Status.QUEUED:
            looked.set()
            raise RuntimeError("odd")
        return original(ctx, live)

    monkeypatch.setattr(prepare, "is_quick", odd)
    job = quick_lab.submit(command_job("echo went", **ON))
    assert looked.wait(60)
    assert quick_lab.ws.jobs.get(job.name).status == "Queued"
    quick_lab.ws.jobs.cancel(blocking)
    assert quick_lab.ended(job.name).status == "Completed"
    assert quick_lab.command("true", **ON).status == "Completed"


def test_a_step_that_others_went_before_is_made_ready_once(quick_lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    blocking = full(quick_lab)
    made, original = list[str](), prepare.prepare

    def counted(ctx: Any, live: Any, *more: Any) -> Any:
        made.append(live.job.name)
        return original(ctx, live, *more)

    monkeypatch.setattr(prepare, "prepare", counted)
    job = quick_lab.submit(command_job("echo went", **ON))
    reaches(lambda: job.name in made)
    motor, again = quick_lab.platform.engine.motor, threading.Event()

    def as_when_it_is_in_front_again() -> None:
        head = motor.slots.head
        assert head is not None
        preparing.ahead(motor, head)
        again.set()

    motor.tell(as_when_it_is_in_front_again)
    assert again.wait(60)
    quick_lab.ws.jobs.cancel(blocking)
    assert quick_lab.ended(job.name).status == "Completed"
    assert made == [job.name]


def ready(lab: Lab) -> Any:
    """The step in front, once it is ready ahead of its turn."""
    motor = lab.platform.engine.motor
    reaches(lambda: (head := motor.slots.head) is not None and head.ready is not None)
    return motor.slots.head


def test_a_layer_serves_again_when_everything_is_loaded_anew(quick_lab: Lab) -> None:
    blocking = full(quick_lab)
    job = quick_lab.submit(command_job("echo went", **ON))
    former = ready(quick_lab)
    layer = former.layer
    assert layer is not None
    done = threading.Event()
    engine = quick_lab.platform.engine

    def anew() -> None:
        engine._forget_all()
        done.set()

    engine.motor.tell(anew)
    assert done.wait(60)
    present = ready(quick_lab)
    assert present is not former
    assert (present.job.name, present.layer) == (job.name, layer)
    quick_lab.ws.jobs.cancel(blocking)
    assert quick_lab.ended(job.name).status == "Completed"


def test_a_layer_is_given_back_for_a_step_that_is_given_up(quick_lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    blocking = full(quick_lab)
    job = quick_lab.submit(command_job("echo went", **ON))
    live, motor = ready(quick_lab), quick_lab.platform.engine.motor
    layer, returned = live.layer, list[Any]()
    monkeypatch.setattr(motor.ctx.environments, "give_back", lambda _key, folder: returned.append(folder))
    motor.tell(lambda: rescue.give_up(motor, live.job.root_id, ZaffreError("a fault of ours")))
    assert quick_lab.ended(job.name).status == "Failed"
    assert returned == [layer]
    monkeypatch.undo()
    quick_lab.ws.jobs.cancel(blocking)
    assert quick_lab.ended(blocking).status == "Canceled"
