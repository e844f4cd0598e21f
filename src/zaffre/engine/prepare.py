"""Make everything ready that a step needs: environment, code, inputs, outputs, variables; the result is a `Task`."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from zaffre.base.errors import InvalidRequest, NotFound
from zaffre.engine import distribute, listing, parallel
from zaffre.engine.live import Live, Prepared
from zaffre.engine.reopening import reopens_output
from zaffre.engine.variables import variables
from zaffre.ports.compute import Task
from zaffre.ports.environment import BuiltEnvironment, EnvironmentDefinition
from zaffre.services import places
from zaffre.services.context import Context
from zaffre.services.reuse.identify import guard, guarded
from zaffre.spec.expression import render

COPIED = ("download", "eval_download")  # modes that give a job files of its own
SMALL_TREE = 64  # files: copying so many takes less time than handing them to another thread


def is_quick(ctx: Context, live: Live) -> bool:
    """Whether `prepare` takes a millisecond or two: environment built, little code, inputs already here."""
    plan = live.plan
    if ctx.environments.ready(plan["environment"]) is None:
        return False
    if plan.get("code") and len(ctx.content.manifest(plan["code"]).entries) > SMALL_TREE:
        return False
    if live.parent is None and guarded(plan):
        return False
    return all("value" in item or _is_here(item) for item in (plan.get("inputs") or {}).values())


def _is_here(item: Mapping[str, Any]) -> bool:
    return item.get("mode") not in COPIED and places.is_built_in(item["uri"])


def prepare(
    ctx: Context, live: Live, experiment: str, say: Callable[[str], None], cancelled: Callable[[], bool]
) -> Prepared:
    """Raises `ZaffreError` with the cause; the folder is then left for a look."""
    if live.parent is None:  # the inputs of steps were looked at when their pipeline began
        guard(ctx, live.job.workspace, live.plan)
    notes: list[str] = []
    environment = _environment(ctx, live, say, cancelled)
    folder = ctx.home.job(live.job.workspace, live.job.name) / str(live.job.attempt)
    work = folder / "work"
    _fresh(folder, "work", "tmp")
    if live.plan.get("code"):
        ctx.content.checkout(live.plan["code"], work)
    _artifacts(ctx, live, work)
    inputs = {}
    for port, item in (live.plan.get("inputs") or {}).items():
        found: list[str] = []
        try:
            inputs[port] = _deliver(ctx, live, port, item, folder, found)
        finally:
            for note in found:
                say(f"input {port}: {note}")
            notes += [f"input {port}: {note}" for note in found]
    outputs = {port: place_of(ctx, live, port, item, folder) for port, item in (live.plan.get("outputs") or {}).items()}
    live.placed = outputs
    paths = {port: str(item["local"]) for port, item in outputs.items()}
    values = {f"inputs.{name}": value for name, value in inputs.items()}
    values |= {f"outputs.{name}": value for name, value in paths.items()}
    command = render(live.plan["command"], {**values, "name": live.job.name}.get)
    env = {**(live.plan.get("environment_variables") or {}), **variables(ctx, live, experiment, inputs, paths)}
    env |= {"TMPDIR": str(folder / "tmp"), "PWD": str(work), "ZAFFRE_TASK_ID": task_id(live)}
    live.layer, layer = ctx.environments.lend(environment)
    env |= listing.variables(inputs, live.plan.get("inputs") or {})
    env |= layer | ({"PATH": layer["PATH"] + os.pathsep + env["PATH"]} if "PATH" in layer else {})
    live.folder = folder
    log = ctx.home.log(live.job.workspace, live.job.name)
    command = distribute.command(live.plan, command, folder, log.parent)
    if "parallel" in live.plan:
        command = parallel.command(ctx, live, command, parallel.Places(folder, log.parent, inputs, paths), env)
    given = {**(live.plan.get("environment_variables") or {}), **(live.plan.get("variables") or {})}
    reopens = reopens_output(command, given, live.plan.get("code"), work)
    task = Task(task_id(live), command, work, log, folder, env, reopens_output=reopens)
    return Prepared(task, outputs, notes, tuple(environment.lock))


def _fresh(folder: Path, *inner: str) -> None:
    """An empty folder for one attempt. Plain calls, no more than needed: every step waits for them."""
    make(folder.parent)
    try:
        os.mkdir(folder)
    except FileExistsError:  # of an attempt that a crash cut short
        shutil.rmtree(folder)
        os.mkdir(folder)
    for name in inner:
        os.mkdir(folder / name)


def make(folder: Path) -> None:
    """The folder exists afterwards. Raises `FileExistsError` where a file is in the way."""
    try:
        os.mkdir(folder)
    except FileNotFoundError:
        os.makedirs(folder, exist_ok=True)
    except FileExistsError:
        if not folder.is_dir():
            raise


def task_id(live: Live) -> str:
    return f"{live.job.id}-{live.job.attempt}"


def _environment(
    ctx: Context, live: Live, say: Callable[[str], None], cancelled: Callable[[], bool]
) -> BuiltEnvironment:
    key = live.plan["environment"]
    if (ready := ctx.environments.ready(key)) is not None:
        return ready
    definition = live.tree.environments.get(key)
    if definition is None:
        raise InvalidRequest(f"the definition of environment {key[:12]} is gone", code="EnvironmentNotFound")
    return ctx.environments.build(ctx.environments.plan(EnvironmentDefinition(**definition)), say, cancelled)


def _artifacts(ctx: Context, live: Live, work: Path) -> None:
    """`outputs/` of the working folder is that of the job's artifacts, so that it is seen while the job runs.

    `logs/` is brought there when the job ends.
    """
    artifacts = ctx.home.artifacts(live.job.workspace, live.job.name)
    make(artifacts)
    place = artifacts / "outputs"
    for folder in (place, artifacts / "user_logs"):
        make(folder)
    if live.plan.get("code") and (work / "outputs").is_dir():  # the code brought such a folder: it is the job's now
        shutil.copytree(work / "outputs", place, dirs_exist_ok=True)
        shutil.rmtree(work / "outputs")
    with contextlib.suppress(FileExistsError):  # a file of that name in the code: it stays
        os.symlink(place, work / "outputs")
    with contextlib.suppress(FileExistsError):
        os.mkdir(work / "logs")


def _deliver(
    ctx: Context, live: Live, port: str, item: Mapping[str, Any], folder: Path, notes: list[str]
) -> str | None:
    """What `${{inputs.port}}` stands for: a literal, or a local path. A mount is a link, never a copy."""
    if "value" in item:
        return item["value"]  # type: ignore[no-any-return]
    source = places.local_path(ctx, live.job.workspace, item["uri"], notes)
    if item.get("mode") in COPIED:
        target = folder / "inputs" / port / source.name
        _copy(source, target)
        return str(target)
    return str(source)


def _copy(source: Path, target: Path) -> None:
    """Files of the job's own: it may write to them, whatever the rights of the originals."""
    if not source.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        return
    for place, _, names in os.walk(source):
        inner = target / os.path.relpath(place, source)
        inner.mkdir(parents=True, exist_ok=True)
        for name in names:
            original = os.path.join(place, name)
            shutil.copyfile(original, inner / name)
            os.chmod(inner / name, stat.S_IMODE(os.stat(original).st_mode) | stat.S_IWUSR)


def place_of(ctx: Context, live: Live, port: str, item: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Where an output is written. It exists as a folder before the command starts; of a file, its folder does.

    Raises `InvalidRequest` for a place that can only be read: now, not when the job has done its work.
    """
    job = live.job
    if port == "artifacts" and not item.get("path"):
        local = ctx.home.artifacts(job.workspace, job.name)
        uri = f"azureml://datastores/workspaceartifactstore/paths/ExperimentRun/dcid.{job.name}/"
    else:
        path = item.get("path")
        uri = places.fill(path, job.name, port) if path else places.default_output(job.name, port, item["type"])
        place = places.locate(ctx, job.workspace, uri)
        if place.local is None and not ctx.remote.writable(place):
            raise InvalidRequest(f"output {port}: {uri} can only be read", code="ReadOnly")
        local = place.local or folder / "outputs" / port / (Path(uri).name if item["type"] == "uri_file" else "")
    try:
        make(local.parent if item["type"] == "uri_file" else local)
    except FileExistsError:
        raise InvalidRequest(f"output {port}: {local.name} exists and is no folder", code="OutputPlaceTaken") from None
    except FileNotFoundError as error:
        raise NotFound(f"output {port}: {error}", code="OutputPlaceMissing") from error
    return {**item, "uri": uri, "local": local}
