"""The ready nodes of a pipeline as jobs: drawn, looked up among known results, complete at once if one is theirs."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from zaffre.base.clock import now_ms
from zaffre.base.errors import Conflict
from zaffre.base.ids import job_name, sequence
from zaffre.core.bind import bind
from zaffre.core.job_state import Status
from zaffre.engine.live import Live
from zaffre.engine.motor import Motor
from zaffre.services.context import Context
from zaffre.services.jobs.lineage import edge_of
from zaffre.services.jobs.spec_of_node import spec_of_node
from zaffre.services.reuse import lookup
from zaffre.store import job_reuse
from zaffre.store import jobs as store
from zaffre.store.jobs import JobRecord


@dataclass(frozen=True)
class Judged:
    """A known result of a step, and why it cannot be used (None: it can)."""

    hit: lookup.Hit
    problem: str | None


def draw(live: Live, ready: list[str]) -> list[Live]:
    """A job for each ready node, with everything bound and its reuse key; nothing is written yet."""
    numbers, now = sequence(len(ready)), now_ms()
    created = []
    for number, name in enumerate(ready, numbers):
        node = live.plan["nodes"][name]
        bound = bind(node, name, live.plan, live.done, None)
        parts, key = lookup.key_of(bound)
        job = JobRecord(
            id=number,
            workspace=live.job.workspace,
            name=job_name(),
            type=node["kind"],
            status=Status.QUEUED,
            root_id=live.job.root_id,
            parent_id=live.job.id,
            node=name,
            experiment_id=live.job.experiment_id,
            spec=spec_of_node(live.job.spec, name),
            display_name=name,
            compute=bound.get("compute"),
            priority=live.job.priority,
            created_by=live.job.created_by,
            created_at=now,
            changed_at=now,
            plan=bound,
            facts=_facts(live, bound),
            reuse_parts=parts,
            reuse_key=key,
        )
        created.append(Live(job, live.tree, f"{live.path}.{name}" if live.path else name, live))
    return created


def known(motor: Motor, live: Live, created: list[Live]) -> dict[int, JobRecord]:
    """The earlier job, if any, whose result each new step has.

    In a resumed pipeline what completed before is kept, whether or not it is deterministic.
    """
    kept = live.tree.kept
    found: dict[int, JobRecord] = {}
    if kept:
        with motor.ctx.db.read() as connection:
            former = store.by_ids(connection, [kept[child.path] for child in created if child.path in kept])
        found = {child.job.id: former[kept[child.path]] for child in created if kept.get(child.path) in former}
    wanted = {child.job.reuse_key for child in created if child.job.reuse_key and child.job.id not in found}
    if wanted and not _rerun(live):
        with motor.ctx.db.read() as connection:
            reusable = job_reuse.reusable(connection, live.job.workspace, [key for key in wanted if key])
        for child in created:
            if child.job.id not in found and child.job.reuse_key in reusable:
                found[child.job.id] = reusable[child.job.reuse_key]
    return found


def judge(ctx: Context, known: dict[int, JobRecord]) -> dict[int, Judged]:
    """Whether the results are still there and unaltered. Safe in any thread."""
    problems = {job.id: lookup.damage(ctx, job) for job in {job.id: job for job in known.values()}.values()}
    return {child: Judged(lookup.Hit(job, lookup.spent_s(job)), problems[job.id]) for child, job in known.items()}


def reuse(motor: Motor, live: Live, child: Live, judged: Judged | None) -> bool:
    """Complete the new job with a known result, if there is a good one. A bad one is said."""
    if judged is None:
        return False
    if judged.problem:
        _say(motor, child, f"runs again: {judged.problem}")
        return False
    if _is_sampled(live, child):
        job = judged.hit.job
        identities = {port: output.get("identity") for port, output in (job.outputs or {}).items()}
        child.job.facts = {**(child.job.facts or {}), "verifies": {"job": job.name, "outputs": identities}}
        _say(motor, child, f"runs to verify the result of {job.name}")
        return False
    outputs = {port: dict(output) for port, output in (judged.hit.job.outputs or {}).items()}
    try:
        for port, output in outputs.items():
            motor.register_output(child, port, output, again=True)
    except Conflict as error:
        _say(motor, child, f"runs again: {error.message}")
        return False
    now = now_ms()
    motor.batch.move(
        child,
        Status.COMPLETED,
        judged.hit.reason,
        reused_from=judged.hit.job.id,
        saved_s=judged.hit.saved_s,
        outputs=outputs,
        started_at=now,
        ended_at=now,
    )
    live.done[str(child.job.node)] = outputs
    return True


def lineage(motor: Motor, child: Live) -> None:
    for port, item in (child.plan.get("inputs") or {}).items():
        if edge := edge_of(child.job.id, port, item):
            motor.batch.edge(child.job, edge)


def _rerun(live: Live) -> bool:
    """`force_rerun` of this pipeline or of one around it."""
    at: Live | None = live
    while at is not None:
        if at.plan.get("force_rerun"):
            return True
        at = at.parent
    return False


def _is_sampled(live: Live, child: Live) -> bool:
    """Whether a step that could be reused is run to verify that; after a restart of the server the same ones."""
    fraction = live.tree.verify
    if not fraction or child.path in live.tree.kept:
        return False
    return random.Random(f"{live.tree.root.name}:{child.path}").random() < fraction  # noqa: S311  no secret


def _say(motor: Motor, child: Live, cause: str) -> None:
    """Why a step runs although its result is known: shown at once, and kept with the run."""
    child.job.facts = {**(child.job.facts or {}), "cause": cause}
    motor.batch.note(child, cause)


def _facts(live: Live, bound: dict[str, Any]) -> dict[str, Any]:
    facts = {"machine": (live.job.facts or {}).get("machine")}
    if bound.get("code"):
        facts |= {"code": bound["code"], "git": (live.job.facts or {}).get("git")}
    return {key: value for key, value in facts.items() if value}
