"""Finalizing: the process ended. What it made is kept, whatever its exit status; then the job ends or tries again."""

from __future__ import annotations

import re
from typing import Any

from zaffre.base.clock import now_ms
from zaffre.base.errors import Conflict, ZaffreError
from zaffre.core.job_state import Status
from zaffre.engine import events, finish
from zaffre.engine.job import again, ending
from zaffre.engine.live import Live
from zaffre.engine.motor import Motor
from zaffre.plugins.logs.read import tail_lines
from zaffre.ports.compute import Observation, TaskState
from zaffre.store import assets

SIGNALS = {
    137: "killed (SIGKILL): out of memory?",
    143: "ended by SIGTERM",
    139: "crashed (segmentation fault)",
    130: "interrupted",
    134: "aborted",
}
OURS = {"zaffre.export", "zaffre.import"}  # tags of the jobs whose program is runtime/export_onnx
TOLD, TOLD_LINES = re.compile("not (ex|im)ported: "), 50


def begin(motor: Motor, live: Live, seen: Observation | None) -> None:
    """`seen` is how the process ended; None after a restart in this status: the exit status is in its folder still."""
    if live.job.status is Status.CANCEL_REQUESTED:
        motor.chore(lambda: events.collect(motor.ctx, live))
        return ending.canceled(motor, live)
    if live.job.status is not Status.FINALIZING:
        motor.batch.move(live, Status.FINALIZING)
    if seen is None:
        seen = motor.compute.observe([live.job.handle or {}])[0]
    if finish.is_quick(motor.ctx, live):
        return _finish(motor, live, seen, quick=True)
    live.busy = True
    return motor.work(live, lambda: _finish(motor, live, seen, quick=False))


def _finish(motor: Motor, live: Live, seen: Observation, quick: bool) -> None:
    made: dict[str, dict[str, Any]] = {}
    problem: ZaffreError | None = None
    try:
        made = finish.finish(motor.ctx, live, quick=quick)
    except ZaffreError as error:
        problem = error
    except OSError as error:
        problem = ending.of_os(error)
    if quick:
        ended(motor, live, seen, made, problem)
    else:
        motor.answer(live, lambda: ended(motor, live, seen, made, problem))


def ended(
    motor: Motor, live: Live, seen: Observation, made: dict[str, dict[str, Any]], problem: ZaffreError | None
) -> None:
    """Decide: completed, failed, or another attempt."""
    live.busy = False
    motor.slots.free(live)
    if live.job.cancel:
        return ending.canceled(motor, live)
    if seen.state is TaskState.EXITED and seen.exit_code == 0 and problem is None and not live.timed_out:
        return _completed(motor, live, made)
    if seen.state is TaskState.NEVER_STARTED and again.no_space(motor):
        return again.when_there_is_space(motor, live, "the disk is full")
    if problem is not None and problem.code == "DiskFull":  # what it made is still there: kept when there is room
        motor.batch.note(live, problem.message)
        return motor.later(live, again.WAITS_S[0], lambda: begin(motor, live, seen))
    why = _told(motor, live) or _why(live, seen, problem)
    if live.job.attempt - live.never_started < int(live.plan.get("max_retries") or 0):
        return _again(motor, live, why.message)
    return ending.failed(motor, live, why, outputs=made)


def _completed(motor: Motor, live: Live, made: dict[str, dict[str, Any]]) -> None:
    job = live.job
    try:
        for port, output in made.items():
            motor.register_output(live, port, output)
    except Conflict as error:
        return ending.failed(motor, live, error, outputs=made)
    for port in made:
        motor.batch.edge(job, assets.Edge(job.id, "output", port, "job", f"{job.name}/{port}"))
    reason = _verified(live, made) or (job.facts or {}).get("cause")
    motor.batch.move(live, Status.COMPLETED, reason, outputs=made, facts=job.facts, ended_at=now_ms(), handle=None)
    return ending.over(motor, live)


def _verified(live: Live, made: dict[str, dict[str, Any]]) -> str | None:
    """A step that ran only to verify a known result: which of its outputs have other content now?"""
    facts = live.job.facts or {}
    if not (verifies := facts.get("verifies")):
        return None
    before = verifies["outputs"]
    differs = [port for port in {**before, **made} if made.get(port, {}).get("identity") != before.get(port)]
    live.job.facts = {**facts, "differs": differs}
    live.tree.verified[live.path] = differs
    if not differs:
        return f"verified: the same as {verifies['job']} made"
    return f"differs from what {verifies['job']} made: output {', '.join(differs)}"


def _why(live: Live, seen: Observation, problem: ZaffreError | None) -> ZaffreError:
    hint = f"zaffre job stream --name {live.job.name}"
    if live.timed_out:
        return ZaffreError(f"ran longer than its limit of {live.plan['timeout_s']:g} s", code="Timeout", hint=hint)
    if seen.state is TaskState.LOST:
        lost = seen.message or "the process is gone and left no exit status (machine restarted?)"
        return ZaffreError(lost, code="ProcessLost", hint=hint)
    if seen.state is TaskState.NEVER_STARTED:
        return ZaffreError(seen.message or "the process could not be started", code="NotStarted", hint=hint)
    if seen.exit_code:
        said = SIGNALS.get(seen.exit_code, "")
        if seen.exit_code == 127:
            said = "a command was not found: see the log"
        said = f"exit status {seen.exit_code}" + (f": {said}" if said else "")
        return ZaffreError(said, code="UserError", hint=hint)
    assert problem is not None
    return problem


def _told(motor: Motor, live: Live) -> ZaffreError | None:
    """A program of ours that gave up says why at the end of its log: `not exported: ...`, perhaps a part and a hint."""
    if live.timed_out or not OURS & (live.job.spec.get("tags") or {}).keys():
        return None
    log = motor.ctx.home.log(live.job.workspace, live.job.name)
    said = tail_lines(log, TOLD_LINES).data.decode(errors="replace").splitlines()
    begins = [number for number, line in enumerate(said) if TOLD.match(line)]
    if not begins:
        return None
    reason, *more = said[begins[-1] :]
    hint = next((line.removeprefix("hint: ") for line in more if line.startswith("hint: ")), None)
    parts = [line for line in more if line.startswith("part: ")]
    return ZaffreError("; ".join([reason, *parts]), code="ModelNotConverted",
                       hint=hint or f"zaffre job stream --name {live.job.name}")  # fmt: skip


def _again(motor: Motor, live: Live, message: str) -> None:
    attempt = live.job.attempt + 1
    retry = attempt - live.never_started
    wait = float(live.plan.get("backoff_s") or 1.0) * 2 ** (retry - 1)
    reason = f"attempt {retry} of {live.plan['max_retries']} after {wait:g} s: {message}"
    motor.batch.move(
        live,
        Status.QUEUED,
        reason,
        attempt=attempt,
        not_before=now_ms() + int(wait * 1000),
        handle=None,
        started_at=None,
    )
    motor.enqueue(live)
