"""End the process tree of a task: ask, wait, kill. One thread serves every pending stop and ends with the last."""

from __future__ import annotations

import heapq
import itertools
import signal
import threading
import time
from dataclasses import dataclass, field

from zaffre.plugins.local_process import processes
from zaffre.ports.compute import Handle

ASK_AGAIN_S = 0.05  # after a stop that met only the wrapper, about to start its command
KILL_AGAIN_S = 0.02  # for what was forked while the rest was killed
WRAPPER_S = 2.0  # what the wrapper gets to write down the exit status once all others are gone
GIVE_UP_S = 30.0  # processes that even SIGKILL does not end hang in the kernel


@dataclass(order=True)
class _Pending:
    due: float
    number: int
    handle: Handle = field(compare=False)
    deadline: float = field(compare=False)


class Stopper:
    def __init__(self) -> None:
        self._pending: list[_Pending] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._running = False

    def stop(self, handle: Handle, grace_s: float) -> None:
        """SIGTERM now, SIGKILL after the grace period; both to exactly the processes of the task."""
        deadline = time.monotonic() + grace_s
        asked = grace_s > 0 and _ask(handle)
        due = deadline if asked else min(deadline, time.monotonic() + ASK_AGAIN_S)
        self._plan(_Pending(due, next(self._numbers), handle, deadline))

    def _plan(self, pending: _Pending) -> None:
        with self._changed:
            heapq.heappush(self._pending, pending)
            self._changed.notify()
            if not self._running:
                self._running = True
                threading.Thread(target=self._serve, name="stop-tasks", daemon=True).start()

    def _serve(self) -> None:
        while True:
            with self._changed:
                if not self._pending:
                    self._running = False
                    return
                wait = self._pending[0].due - time.monotonic()
                if wait > 0:
                    self._changed.wait(wait)
                    continue
                pending = heapq.heappop(self._pending)
            again_at = _carry_on(pending.handle, pending.deadline)
            if again_at is not None:
                self._plan(_Pending(again_at, pending.number, pending.handle, pending.deadline))


def _carry_on(handle: Handle, deadline: float) -> float | None:
    """One step of a pending stop; when the next is due, or None if it is done."""
    now = time.monotonic()
    if now < deadline:
        if _ask(handle):
            return deadline
        return min(deadline, now + ASK_AGAIN_S) if _wrapper_lives(handle) else None
    if now > deadline + GIVE_UP_S:
        return None
    rest = processes.members(handle["task"], handle["pid"], handle["start"])
    for found in rest:
        processes.send(found, signal.SIGKILL)
    wrapper = processes.process(handle["pid"])
    if wrapper and wrapper.alive and wrapper.start == handle["start"]:
        # It writes down the exit status by itself, unless it was suspended or hangs.
        processes.send(wrapper, signal.SIGCONT if now < deadline + WRAPPER_S else signal.SIGKILL)
    elif not rest:
        return None
    return now + KILL_AGAIN_S


def _ask(handle: Handle) -> bool:
    """SIGTERM to all but the wrapper; False if the command was not there yet.

    A copy of the wrapper that is about to become the command still looks like it, and may miss the signal.
    """
    wrapper = processes.command_line(handle["pid"])
    reached = False
    for found in processes.members(handle["task"], handle["pid"], handle["start"]):
        reached |= processes.command_line(found.pid) != wrapper
        processes.send(found, signal.SIGTERM)
        processes.send(found, signal.SIGCONT)  # a suspended process cannot answer
    return reached


def _wrapper_lives(handle: Handle) -> bool:
    return processes.is_alive(handle["pid"], handle["start"])
