"""What runs on each compute, what waits for it, and why."""

from __future__ import annotations

from zaffre.base.clock import iso
from zaffre.core.distribution import nodes, processes
from zaffre.core.job_state import Status
from zaffre.services.computes import limits, manage
from zaffre.services.context import Context
from zaffre.store import job_living
from zaffre.store import jobs as store
from zaffre.store.jobs import JobRecord
from zaffre.wire.operation import WorkspaceRequest
from zaffre.wire.resources import ComputeJob, ComputeUse, ComputeUseList

HOLDING = (Status.PREPARING, Status.STARTING, Status.RUNNING, Status.FINALIZING, Status.CANCEL_REQUESTED)
SHOWN = 100  # of those that wait


def use(ctx: Context, request: WorkspaceRequest) -> ComputeUseList:
    """Raises `NotFound` for an unknown workspace."""
    computes = manage.list_computes(ctx, request).items
    with ctx.db.read() as connection:
        living = job_living.living_steps(connection, request.workspace)
        names = store.names_of(connection, {job.parent_id for job in living if job.parent_id})
    machine = (ctx.facts.get("machine") or {}).get("cores")
    cores = float(machine) if machine else None
    cpu_busy = sum(_cpu(job) for job in living if job.status in HOLDING)
    shown = []
    for compute in computes:
        mine = [job for job in living if (job.compute or "local") == compute.name]
        running = [job for job in mine if job.status in HOLDING]
        waiting = sorted((job for job in mine if job.status is Status.QUEUED), key=lambda job: (-job.priority, job.id))
        limit = limits.instances(ctx, request.workspace, compute.name)
        busy = sum(nodes(job.plan or {}) for job in running)
        free = cores - cpu_busy if cores is not None else None
        shown.append(
            ComputeUse(
                name=compute.name,
                type=compute.type,
                instances=limit,
                busy=busy,
                cpu=cores,
                cpu_busy=cpu_busy,
                running=[_job(job, names, None) for job in running],
                waiting=[
                    _job(job, names, _why(job, compute.name, limit, busy, free, cores)) for job in waiting[:SHOWN]
                ],
                waiting_count=len(waiting),
            )
        )
    return ComputeUseList(items=shown)


def _cpu(job: JobRecord) -> float:
    plan = job.plan or {}
    return float(plan["cpu"]) * nodes(plan) if plan.get("cpu") else float(processes(plan))


def _why(job: JobRecord, compute: str, limit: int | None, busy: int, free: float | None, cores: float | None) -> str:
    """As the engine decides it (`engine/slots.py`), which tells a job's turn; memory and GPUs are left to it."""
    if job.not_before:
        return f"waits until {iso(job.not_before)} for its next attempt"
    wanted = nodes(job.plan or {})
    if limit is not None and busy and busy + wanted > limit:
        return f"waits for {wanted} of {limit} instances of {compute}: {busy} are busy"
    if free is not None and cores is not None and _cpu(job) > free:
        return f"waits for room: needs {_cpu(job):g} CPU, {max(free, 0):g} of {cores:g} are free"
    return "is about to start"


def _job(job: JobRecord, names: dict[int, str], why: str | None) -> ComputeJob:
    return ComputeJob(
        name=job.name,
        display_name=job.display_name,
        node=job.node,
        parent_job_name=names.get(job.parent_id or 0),
        status=job.status.value,
        since=iso(job.started_at or job.created_at),
        instances=nodes(job.plan or {}),
        cpu=_cpu(job),
        why=why,
    )
