"""Room for steps of several processes."""

from __future__ import annotations

from typing import Any

from zaffre.core.job_state import Status
from zaffre.engine.live import Live, Tree
from zaffre.engine.slots import Slots, need_of
from zaffre.ports.compute import Capacity
from zaffre.store.jobs import JobRecord


def step(number: int, compute: str = "local", **plan: Any) -> Live:
    job = JobRecord(id=number, workspace="default", name=f"job{number}", type="command", status=Status.QUEUED,
                    root_id=number, experiment_id=1, spec={}, created_at=0, changed_at=0, created_by="me",
                    compute=compute, plan={"kind": "command", **plan})  # fmt: skip
    return Live(job, Tree(job))


def slots(cpu: float, instances: int | None = None) -> Slots:
    return Slots(Capacity(cpu, 1 << 20, 0), lambda _workspace, _compute: instances)


def test_each_process_takes_a_processor() -> None:
    torch = {"type": "pytorch", "process_count_per_instance": 3}
    assert need_of({"instances": 2, "distribution": torch}).cpu == 6
    assert need_of({"instances": 2, "distribution": torch, "cpu": 2.0, "memory_mb": 100.0}) == Capacity(4, 200, 0)
    assert need_of({}).cpu == 1


def test_a_distributed_step_waits_for_its_room_and_gives_it_back() -> None:
    room = slots(4)
    small, large = step(1), step(2, instances=4)
    room.put(small)
    room.put(large)
    assert room.take() == [small]
    assert "needs 4 CPU" in room.why(large)
    room.free(small)
    assert room.take() == [large]
    room.free(large)
    assert room.used == Capacity(0, 0, 0)
    assert not any(room.running.values())


def test_more_than_the_machine_has_runs_alone() -> None:
    room = slots(2, instances=2)
    huge, small = step(1, instances=8), step(2)
    room.put(huge)
    room.put(small)
    assert room.take() == [huge]
    room.free(huge)
    assert room.take() == [small]


def test_instances_of_a_cluster_are_counted() -> None:
    room = slots(100, instances=3)
    pair, other, last = step(1, "cluster", instances=2), step(2, "cluster", instances=2), step(3, "cluster")
    for live in (pair, other, last):
        room.put(live)
    assert room.take() == [pair]
    assert room.why(other) == "waits for 2 of 3 instances of cluster"
    room.free(pair)
    assert room.take() == [other, last]
