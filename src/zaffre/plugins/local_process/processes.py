"""Processes as /proc shows them: who is alive, who belongs to a task, and signals that cannot go astray."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from zaffre.ports.compute import TASK_ID_VARIABLE

EXEC_LOOKS = 5  # a process that is just becoming another program shows no environment for a moment


@dataclass(frozen=True)
class Process:
    """`start` (clock ticks since the machine came up) tells a process from a later one with the same pid."""

    pid: int
    state: str
    parent: int
    session: int
    start: int

    @property
    def alive(self) -> bool:
        return self.state not in "ZX"  # a zombie has ended, whether or not its parent took notice


@cache
def boot_id() -> str:
    """Differs after each restart of the machine."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


def process(pid: int) -> Process | None:
    """The process with this number, or None."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            text = file.read(4096)
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text[text.rindex(b")") + 2 :].split()  # the name before it may hold blanks and brackets
    return Process(pid, fields[0].decode(), int(fields[1]), int(fields[3]), int(fields[19]))


def is_alive(pid: int, start: int | None) -> bool:
    """Whether exactly that process lives; False if the number went to another one."""
    found = process(pid)
    return found is not None and found.start == start and found.alive


def carries_marker(pid: int, task_id: str) -> bool:
    """Whether the process was started with the task's marker in its environment; False if that cannot be read."""
    marker = f"{TASK_ID_VARIABLE}={task_id}".encode()
    for _ in range(EXEC_LOOKS):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                text = file.read()
        except OSError:
            return False
        if text:
            return marker in text.split(b"\0")
        time.sleep(0.001)
    return False


def leader(pid: int, task_id: str) -> Process | None:
    """The wrapper of the task, if it is the one that lives under this number."""
    found = process(pid)
    if found and found.alive and found.session == pid and carries_marker(pid, task_id):
        return found
    return None


def find_leader(task_id: str) -> Process | None:
    """The living wrapper of the task, by its marker alone."""
    candidates = (leader(found.pid, task_id) for found in _all() if found.session == found.pid)
    return next((found for found in candidates if found), None)


def members(task_id: str, wrapper: int, start: int | None, just_reaped: bool = False) -> list[Process]:
    """Every living process of the task without its wrapper: by session, by marker, and by descent from those.

    The marker finds what left the session (setsid, daemons). A process that left the session, cleared its
    environment and lost its parent is beyond reach. `just_reaped` says that the caller took the wrapper's status a
    moment ago, so that its session number cannot have been given away yet.
    """
    everyone = [found for found in _all() if start is None or found.start >= start]
    in_session = just_reaped or is_alive(wrapper, start)  # otherwise the number may be somebody else's session
    seeds = (
        found for found in everyone if (in_session and found.session == wrapper) or carries_marker(found.pid, task_id)
    )
    belongs = {found.pid for found in seeds}
    grown = True
    while grown:
        children = {found.pid for found in everyone if found.parent in belongs} - belongs
        belongs |= children
        grown = bool(children)
    belongs -= {wrapper, os.getpid()}
    return [found for found in everyone if found.pid in belongs]


def send(target: Process, number: int) -> None:
    """Signal exactly this process; nothing happens if it is gone, even if its number was given away meanwhile."""
    try:
        pidfd = os.pidfd_open(target.pid)
    except OSError:
        return
    try:
        if is_alive(target.pid, target.start):
            signal.pidfd_send_signal(pidfd, number)
    except (ProcessLookupError, PermissionError):  # gone, or it took on another user's rights
        return
    finally:
        os.close(pidfd)


def command_line(pid: int) -> bytes | None:
    """Arguments as the program was started with, or None if it is gone."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read()
    except OSError:
        return None


def group_has_members(group: int) -> bool:
    """One system call; True also for a group of somebody else that got the number since."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _all() -> Iterator[Process]:
    for name in os.listdir("/proc"):
        if name.isdigit() and (found := process(int(name))) and found.alive and found.parent != 2:  # 2: the kernel's
            yield found
