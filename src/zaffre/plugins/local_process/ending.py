"""How a task ended, judged once its wrapper lives no more."""

from __future__ import annotations

import os
import select
import signal
from pathlib import Path

from zaffre.plugins.local_process import claim, processes
from zaffre.ports.compute import Handle, Observation, TaskState

REFUSED = 125  # the wrapper's own status when it could not take or sign the claim
KILLS = 5
DEATH_MS = 20  # what a killed process may need to disappear


def verdict(handle: Handle, status: int | None) -> Observation:
    """The observation of a task whose wrapper ended; `status` as from waitpid, if this process was its parent.

    What the task left running in its session is killed: a job ends with its command, as in a container. If the
    wrapper was killed, nobody can say any more how the command will end, so the rest goes too before it is LOST.
    """
    control = Path(handle["control"])
    found = claim.read(control)
    if found and found.exit_code is not None:
        if same_boot(handle) and processes.group_has_members(handle["pid"]):
            kill_rest(handle, just_reaped=status is not None)
        return Observation(TaskState.EXITED, found.exit_code)
    code = os.WEXITSTATUS(status) if status is not None and os.WIFEXITED(status) else None
    if found and found.taken_by_us:
        return Observation(TaskState.NEVER_STARTED, message="The task was given up before it started.")
    if found is None or found.pid is None:
        if code not in (None, REFUSED):
            return Observation(TaskState.EXITED, code, f"The claim in {control} was altered while the task ran.")
        removed = found is None and status is None  # or never made: only its parent can tell
        return _lost(handle, status) if removed or (found and found.damaged) else _never_started(control)
    if code is not None:
        note = f"The exit status could not be written to {control}{_full(control)}; it is known from the process."
        return Observation(TaskState.EXITED, code, note)
    return _lost(handle, status)


def kill_rest(handle: Handle, just_reaped: bool) -> bool:
    """Kill what is left of the task, and what that forked meanwhile; True if nothing is left."""
    for _ in range(KILLS):
        rest = processes.members(handle["task"], handle["pid"], handle["start"], just_reaped)
        if not rest:
            return True
        _kill(rest)
    return False


def _kill(rest: list[processes.Process]) -> None:
    waiting = [pidfd for found in rest if (pidfd := _pidfd(found.pid)) is not None]
    try:
        for found in rest:
            processes.send(found, signal.SIGKILL)
        for pidfd in waiting:
            poll = select.poll()
            poll.register(pidfd, select.POLLIN)
            poll.poll(DEATH_MS)
    finally:
        for pidfd in waiting:
            os.close(pidfd)


def same_boot(handle: Handle) -> bool:
    return bool(handle["boot"] == processes.boot_id())


def _never_started(control: Path) -> Observation:
    """Say so only when it is sure: the wrapper is gone, and with the claim taken no other can come."""
    try:
        claim.take(control)
    except OSError as error:
        if not control.is_dir():
            return Observation(TaskState.LOST, message=f"The folder {control} of the task is gone.")
        return Observation(TaskState.NEVER_STARTED, message=f"The task could not take its claim: {error}.")
    reason = _full(control) or ": it was killed, or could not write there"
    return Observation(TaskState.NEVER_STARTED, message=f"The task did not sign its claim in {control}{reason}.")


def _lost(handle: Handle, status: int | None) -> Observation:
    if not same_boot(handle):
        return Observation(TaskState.LOST, message="The machine was restarted while the task ran.")
    if not kill_rest(handle, just_reaped=status is not None):
        return Observation(TaskState.RUNNING, message="Its wrapper was killed; the rest of the task is being ended.")
    by = f" by signal {os.WTERMSIG(status)}" if status is not None and os.WIFSIGNALED(status) else ""
    text = (
        f"The wrapper of the task left no exit status (killed{by}, or its claim was altered); its processes are gone."
    )
    return Observation(TaskState.LOST, message=text)


def _full(control: Path) -> str:
    try:
        space = os.statvfs(control)
    except OSError:
        return ""
    return ": no space left on the device" if space.f_bavail == 0 or (space.f_files and space.f_favail == 0) else ""


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None
