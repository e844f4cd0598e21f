"""The step in front of the queue is made ready while it waits, and that shows nowhere but in the time it takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from lab import ENDED, Lab, command_job


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
