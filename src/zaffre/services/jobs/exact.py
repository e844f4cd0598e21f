"""Restore what a run had: code, data, packages, parameters, seeds; and say what cannot be as it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zaffre.base.errors import Conflict, InvalidRequest, NotFound, ZaffreError
from zaffre.core import rerun
from zaffre.ports.environment import EnvironmentDefinition
from zaffre.services import places
from zaffre.services.context import Context
from zaffre.services.data import source
from zaffre.services.jobs.below import sources, tree_of
from zaffre.services.jobs.packages import packages
from zaffre.services.resolve.scope import Scope
from zaffre.store.jobs import JobRecord


@dataclass
class Restored:
    """The plan of the new job. `differs` is what is other than then, `unknown` what was not written down then."""

    plan: dict[str, Any]
    differs: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def restore(ctx: Context, job: JobRecord, root: JobRecord, changed_data: bool) -> Restored:
    """The plan of a job or step, with the packages that each step really had.

    Raises `Conflict` naming code or data that is gone, and data that has changed, unless `changed_data` allows it;
    `NotFound` for a compute that is gone.
    """
    found = Restored(rerun.afresh(job.plan or {}))
    with ctx.db.read() as connection:
        ran = sources(connection, tree_of(connection, job))
        locks = dict(zip(ran, packages(connection, ran.values()), strict=True))
        scope = Scope(ctx, connection, job.workspace)
        for _, step in rerun.steps(found.plan):
            scope.compute(step.get("compute"))
    _code(ctx, job, found)
    _data(ctx, job, found, changed_data)
    _environments(ctx, found, (root.plan or {}).get("environments") or {}, locks)
    _machine(ctx, job, found)
    return found


def _code(ctx: Context, job: JobRecord, found: Restored) -> None:
    for root in {step["code"] for _, step in rerun.steps(found.plan) if step.get("code")}:
        try:
            ctx.content.manifest(root)
        except ZaffreError as error:
            raise Conflict(
                f"the code of job {job.name} is not stored any more: {error.message}", code="NotRepeatable"
            ) from error


def _data(ctx: Context, job: JobRecord, found: Restored, changed_data: bool) -> None:
    """Every input with an address holds what it held. What changed is named; the new content is run only if allowed."""
    gone, changed = [], []
    known: dict[str, str | ZaffreError] = {}
    for path, port, item in rerun.addresses(found.plan):
        uri = item["uri"]
        what = f"input {port} of {path}" if path else f"input {port}"
        if uri not in known:
            known[uri] = _now(ctx, job.workspace, uri)
        now, before = known[uri], item.get("identity")
        if isinstance(now, ZaffreError):
            gone.append(f"{what}: {now.message}")
        elif before is None:
            found.unknown.append(f"{what}: no fingerprint of {uri} was taken when it was read")
        elif now != before:
            said = source.in_words(source.changes(ctx, job.workspace, uri, before))
            changed.append(f"{what} has changed at its source: {uri}: {said}")
            item["identity"] = now
            if str(item.get("asset", "")).startswith("data:"):
                del item["asset"]  # it is not that version any more
    if gone or (changed and not changed_data):
        raise Conflict(
            f"job {job.name} cannot be repeated exactly: {'; '.join([*gone, *changed])}",
            code="DataNotAsItWas",
            hint="bring the data back"
            + ("" if gone else f", or take it as it is now: zaffre job rerun --name {job.name} --exact --changed-data"),
        )
    found.differs += changed


def _now(ctx: Context, workspace: str, uri: str) -> str | ZaffreError:
    try:
        return places.identity(ctx, workspace, uri)
    except ZaffreError as error:
        return error
    except OSError as error:
        return NotFound(f"{uri} cannot be read: {error.strerror or error}", code="DataNotFound")


def _environments(
    ctx: Context, found: Restored, definitions: Mapping[str, Any], locks: Mapping[str, Mapping[str, str]]
) -> None:
    """The environment that stands, if it has the packages that the step had; else one that is bound to them."""
    kept: dict[str, Any] = {}
    for path, step in rerun.steps(found.plan):
        key, lock = step["environment"], locks.get(path) or {}
        definition = definitions.get(key)
        where = f"step {path}: " if path else ""
        if definition is None:
            raise Conflict(f"{where}the definition of its environment is not known", code="NotRepeatable")
        standing = ctx.environments.ready(key)
        if standing is not None and (not lock or _split(standing.lock) == lock):
            kept[key] = definition
        else:
            key, kept_as = _bound(ctx, found, where, key, definition, lock)
            step["environment"], kept[key] = key, kept_as
        if not lock:
            found.unknown.append(f"{where}packages were not written down")
    found.plan["environments"] = kept


def _split(lines: Any) -> dict[str, str]:
    return dict(line.split("==", 1) for line in lines if "==" in line)


def _bound(
    ctx: Context, found: Restored, where: str, key: str, definition: Mapping[str, Any], lock: Mapping[str, str]
) -> tuple[str, dict[str, Any]]:
    """(key, definition) of the environment with the versions of the lock."""
    asked = EnvironmentDefinition(**definition)
    try:
        plain = ctx.environments.plan(asked)
    except InvalidRequest as error:
        raise Conflict(f"{where}its environment cannot be made again: {error.message}", code="NotRepeatable") from error
    if plain.key != key:
        _say(found.differs, f"{where}its interpreter is not the same: Python {plain.python_version} at another place")
    if not lock:
        return plain.key, dict(definition)
    lines = [f"{name}=={version}" for name, version in lock.items()]
    bound = {**definition, "constraints": [*asked.constraints, *lines]}
    return ctx.environments.plan(EnvironmentDefinition(**bound)).key, bound


def _machine(ctx: Context, job: JobRecord, found: Restored) -> None:
    then, now = (job.facts or {}).get("machine") or {}, ctx.facts.get("machine") or {}
    for name in sorted({*then, *now}):
        if then.get(name) != now.get(name):
            _say(found.differs, f"machine: {name} is {now.get(name)}, was {then.get(name)}")


def _say(sentences: list[str], text: str) -> None:
    if text not in sentences:
        sentences.append(text)
