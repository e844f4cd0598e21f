"""Which queued step starts next: as many as the machine and each compute have room for, by priority, then by age."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from zaffre.core.distribution import nodes, processes
from zaffre.engine.live import Live
from zaffre.ports.compute import Capacity


@dataclass
class Slots:
    """Room on this machine. A compute of `n` instances runs at most `n` steps at once, a step of
    several instances counting as so many; all share the machine."""

    machine: Capacity
    limit_of: Callable[[str, str], int | None]  # (workspace, compute) -> instances, None = as the machine has
    used: Capacity = field(default_factory=lambda: Capacity(0, 0, 0))
    running: dict[tuple[str, str], int] = field(default_factory=dict)
    queues: dict[tuple[str, str], list[tuple[int, int, Live]]] = field(default_factory=dict)

    def put(self, live: Live) -> None:
        key = (live.job.workspace, live.job.compute or "local")
        heapq.heappush(self.queues.setdefault(key, []), (-live.job.priority, live.job.id, live))

    def take(self) -> list[Live]:
        """The steps that may start now; their room is taken. Those that cannot be placed stay in the queue."""
        started: list[Live] = []
        while True:
            waiting = [(queue[0], key) for key, queue in self.queues.items() if queue]
            heads = sorted((head, key) for head, key in waiting if self._open(key, head[2]))
            for (_, _, live), key in heads:
                need = need_of(live.plan)
                if self._fits(need):
                    heapq.heappop(self.queues[key])
                    self._use(live, need, +1)
                    live.need = need
                    started.append(live)
                    break
            else:
                return started

    @property
    def head(self) -> Live | None:
        """The step that waits in front of all others."""
        heads = [queue[0] for queue in self.queues.values() if queue]
        return min(heads)[2] if heads else None

    def free(self, live: Live) -> None:
        """Give back what a step held; nothing if it held nothing."""
        if live.need is not None:
            self._use(live, live.need, -1)
            live.need = None

    def hold(self, live: Live) -> None:
        """Take room for a step that was found running after a restart, even if there is none."""
        live.need = need_of(live.plan)
        self._use(live, live.need, +1)

    def drop(self, live: Live) -> None:
        """Take a step out of its queue."""
        key = (live.job.workspace, live.job.compute or "local")
        queue = self.queues.get(key, [])
        left = [item for item in queue if item[2] is not live]
        if len(left) != len(queue):
            heapq.heapify(left)
            self.queues[key] = left

    def why(self, live: Live) -> str:
        """Why a step waits, in words."""
        key = (live.job.workspace, live.job.compute or "local")
        if not self._open(key, live):
            return f"waits for {nodes(live.plan)} of {self.limit_of(*key)} instances of {key[1]}"
        need = need_of(live.plan)
        return (
            f"waits for room: needs {need.cpu:g} CPU, {self.machine.cpu - self.used.cpu:g} of {self.machine.cpu:g} free"
        )

    def _open(self, key: tuple[str, str], live: Live) -> bool:
        limit, running = self.limit_of(*key), self.running.get(key, 0)
        # More instances than the compute may have: alone it may run.
        return limit is None or not running or running + nodes(live.plan) <= limit

    def _fits(self, need: Capacity) -> bool:
        used, machine = self.used, self.machine
        if used.cpu <= 0:
            return True  # more than the machine has: alone it may run
        return (
            used.cpu + need.cpu <= machine.cpu
            and used.memory_mb + need.memory_mb <= machine.memory_mb
            and used.gpu + need.gpu <= machine.gpu
        )

    def _use(self, live: Live, need: Capacity, sign: int) -> None:
        key = (live.job.workspace, live.job.compute or "local")
        used = self.used
        self.used = Capacity(
            used.cpu + sign * need.cpu, used.memory_mb + sign * need.memory_mb, used.gpu + sign * need.gpu
        )
        self.running[key] = self.running.get(key, 0) + sign * nodes(live.plan)


def need_of(plan: Mapping[str, Any]) -> Capacity:
    """Of all instances together. Without a wish for processors each process of a step takes one."""
    count = nodes(plan)
    cpu = float(plan["cpu"]) * count if plan.get("cpu") else float(processes(plan))
    return Capacity(cpu, float(plan.get("memory_mb") or 0.0) * count, float(plan.get("gpu") or 0.0) * count)
