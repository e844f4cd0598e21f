"""What the engine asks of a place where jobs run.

A backend starts a task and forgets it: the task outlives the server. What a backend can do beyond the four basic
verbs it declares by implementing further protocols (`WaitsOnMany`), which the engine looks for with `isinstance`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

TASK_ID_VARIABLE = "ZAFFRE_TASK_ID"  # set by the backend in each process of a task; finds those that left its session
Handle = dict[str, Any]  # JSON; whatever the backend needs to find its task again after a restart of the server


class TaskState(StrEnum):
    RUNNING = "running"
    EXITED = "exited"  # `exit_code` is known
    LOST = "lost"  # gone without an exit code, and none of its processes lives: wrapper killed, or machine restarted
    NEVER_STARTED = "never_started"  # its command did not run and never will; safe to start a new attempt


@dataclass(frozen=True)
class Task:
    """One attempt of a job, ready to start.

    `id` is unique for each attempt. `control` is a folder of its own for this attempt, in which the wrapper keeps
    its claim, pid and exit status; it exists and is empty. `command` is a shell script (bash when there is one; a
    plain command may be started without a shell).
    `log` is appended to by stdout and stderr alike, in the order in which they were written. `ulimits` has the names
    of setrlimit in lower case: bytes for `as`, `data`, `stack`, `core`, `fsize`, seconds for `cpu`, a count for
    `nofile`.
    `reopens_output`: the command opens its output anew by name (`> /dev/stderr`), which must not cut the log.
    """

    id: str
    command: str
    cwd: Path
    log: Path
    control: Path
    env: Mapping[str, str]  # the whole environment of the process; nothing is inherited, TASK_ID_VARIABLE is added
    ulimits: Mapping[str, int] = field(default_factory=dict)
    reopens_output: bool = False


@dataclass(frozen=True)
class Observation:
    state: TaskState
    exit_code: int | None = None  # 128 + n when signal n ended it
    message: str | None = None  # one sentence where the state alone does not say what happened


class ComputeBackend(Protocol):
    def start(self, task: Task) -> Handle:
        """Start the task once. Raises `InvalidRequest` or `Unavailable` with the reason if it cannot.

        An exception means that nothing runs. A second start with the same `control` runs nothing either.
        """

    def find(self, task_id: str, control: Path) -> Handle | None:
        """The handle of a task that may have been started before a crash; None proves that it never ran.

        After None the task can never start any more, whatever a half-dead wrapper does: the claim is taken.
        """

    def observe(self, handles: Sequence[Handle]) -> list[Observation]:
        """The state of each, in the same order; quick, never blocks.

        A task ends with its command: processes of its session that outlive the command are ended as well.
        """

    def stop(self, handle: Handle, grace_s: float) -> None:
        """Ask the whole process tree to end (SIGTERM), and kill what is left after `grace_s`. Returns at once.

        The tree is everything the task started, daemons in sessions of their own included. Stopping twice is fine,
        and so is stopping a task that ended (it sweeps up daemons that were left behind). After a restart of the
        server within the grace period, stop again: the pending kill is not remembered.
        """


@runtime_checkable
class WaitsOnMany(Protocol):
    def watch(self, handle: Handle) -> int | None:
        """A file descriptor that becomes readable when the task ends (the caller closes it).

        None if it has ended already, or cannot be watched: observe it.
        """


@dataclass(frozen=True)
class Capacity:
    """What one machine offers, or what a job asks for."""

    cpu: float
    memory_mb: float
    gpu: float = 0.0
