"""Tasks as processes of this machine, each in a session of its own, that outlive the server."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from zaffre.base.errors import Unavailable
from zaffre.plugins.local_process import claim, processes
from zaffre.plugins.local_process.ending import verdict
from zaffre.plugins.local_process.spawn import spawn
from zaffre.plugins.local_process.stopping import Stopper
from zaffre.ports.compute import Handle, Observation, Task, TaskState

RUNNING = Observation(TaskState.RUNNING)


class LocalProcessBackend:
    """Implements `ComputeBackend` and `WaitsOnMany`. Safe to use from several threads.

    A handle has `task`, `control`, and the wrapper's `pid`, its `start` time and the `boot` of the machine: together
    they mean one process for ever. `start` is None when the wrapper was gone already as `find` looked.
    """

    def __init__(self) -> None:
        if not sys.platform.startswith("linux"):
            raise Unavailable("Local jobs need Linux (processes are followed through /proc).")
        self._bash = shutil.which("bash", path=os.defpath) or shutil.which("bash")
        self._children: dict[int, str] = {}  # pid -> task id of what this process started and has not reaped
        self._verdicts: dict[str, Observation] = {}  # known from the kernel only, because the disk was full
        self._lock = threading.Lock()
        self._stopper = Stopper()

    def start(self, task: Task) -> Handle:
        with self._lock:  # so that nobody can observe the child before it is known as ours
            pid = spawn(task, self._bash)
            self._children[pid] = task.id
        found = processes.process(pid)
        return _handle(task.id, task.control, pid, found.start if found else None, processes.boot_id())

    def find(self, task_id: str, control: Path) -> Handle | None:
        try:
            if claim.take(control):
                return None
        except OSError as error:
            raise Unavailable(f"Whether task {task_id} was started cannot be known: {error}.") from error
        wrapper = None
        found = claim.read(control)
        if found and found.pid is None and not found.taken_by_us:
            # The wrapper took the claim and signs it next, or died in between: its marker shows which.
            wrapper = processes.find_leader(task_id)
            found = claim.read(control)
            if wrapper and found and found.pid is None:
                return _handle(task_id, control, wrapper.pid, wrapper.start, processes.boot_id())
        if found and found.damaged:
            raise Unavailable(
                f"Whether task {task_id} was started cannot be known: its claim in {control} was altered."
            )
        if not found or found.pid is None:
            return None
        wrapper = processes.leader(found.pid, task_id) if found.boot == processes.boot_id() else None
        return _handle(task_id, control, found.pid, wrapper.start if wrapper else None, found.boot or "")

    def observe(self, handles: Sequence[Handle]) -> list[Observation]:
        return [self._observe(handle) for handle in handles]

    def stop(self, handle: Handle, grace_s: float) -> None:
        if handle["boot"] == processes.boot_id():
            self._stopper.stop(handle, grace_s)

    def watch(self, handle: Handle) -> int | None:
        if handle["boot"] != processes.boot_id():
            return None
        try:
            pidfd = os.pidfd_open(handle["pid"])
        except OSError:  # ended; or no descriptors left, then polling has to do
            return None
        with self._lock:
            ours = self._children.get(handle["pid"]) == handle["task"]  # not reaped, so the number is still its own
        if ours or processes.is_alive(handle["pid"], handle["start"]):
            return pidfd
        os.close(pidfd)
        return None

    def _observe(self, handle: Handle) -> Observation:
        pid, task_id = handle["pid"], handle["task"]
        with self._lock:
            if task_id in self._verdicts:
                return self._verdicts[task_id]
            if self._children.get(pid) == task_id:
                return self._observe_child(handle)
        if handle["boot"] == processes.boot_id() and processes.is_alive(pid, handle["start"]):
            return RUNNING
        return verdict(handle, None)

    def _observe_child(self, handle: Handle) -> Observation:
        pid, status = handle["pid"], None
        try:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if not ended:
                return RUNNING
        except ChildProcessError:  # something else in this process waits for every child
            if processes.is_alive(pid, handle["start"]):
                return RUNNING
        seen = verdict(handle, status)
        if seen.state is not TaskState.RUNNING and seen.message:
            self._verdicts[handle["task"]] = seen
        del self._children[pid]
        return seen


def _handle(task_id: str, control: Path, pid: int, start: int | None, boot: str) -> Handle:
    return {"task": task_id, "control": str(control), "pid": pid, "start": start, "boot": boot}
