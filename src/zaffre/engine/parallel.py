"""Turn a parallel step into the command that spreads its input (`runtime/parallel_driver.py`)."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zaffre.base.errors import InvalidRequest
from zaffre.core.mini_batch import cut_by
from zaffre.core.reuse import key
from zaffre.engine.live import Live
from zaffre.runtime import parallel_driver
from zaffre.services.context import Context
from zaffre.store import jobs as store
from zaffre.store.jobs import JobRecord

STATE = "mini-batches"  # beside the folders of attempts: what one attempt finished, the next one keeps
WRITTEN = "written"  # in it: what scripts write to AZUREML_BI_OUTPUT_PATH
SHUTDOWN_S = 30.0  # that `shutdown()` of a script may take


@dataclass(frozen=True)
class Places:
    """Where a step works: the folder of the attempt, that of its logs, values of inputs, paths of outputs."""

    folder: Path
    logs: Path
    inputs: Mapping[str, str | None]
    outputs: Mapping[str, str]


def command(ctx: Context, live: Live, arguments: str, places: Places, env: dict[str, str]) -> str:
    """The driver with its layout. Adds to `env` what scoring scripts read. Raises `InvalidRequest`."""
    plan: Mapping[str, Any] = live.plan["parallel"]
    try:
        words = shlex.split(arguments)
    except ValueError as error:
        raise InvalidRequest(f"program_arguments: {error}: {arguments[:200]}", code="BadArguments") from None
    state = _state(ctx, live, places)
    files, size = cut_by(plan["mini_batch_size"])
    output_dir = _folder_of(live, plan.get("output_dir"), places)
    layout = {
        **{name: plan[name] for name in _AS_PLANNED},
        "key": live.job.reuse_key or key({"plan": _repeatable(live.plan)}),
        "state": str(state),
        "logs": str(places.logs),
        "arguments": words,
        "input": places.inputs[plan["input"]],
        "input_name": plan["input"],
        "batch_files": files,
        "batch_bytes": size,
        "append_to": places.outputs.get(plan["append_to"] or ""),
        "output_dir": output_dir,
        "shutdown_s": SHUTDOWN_S,
    }
    if layout["input"] is None:
        raise InvalidRequest(f"input {plan['input']} was not given: there is nothing to cut", code="InputMissing")
    if output_dir:  # what is written there moves to the output when all is done
        written = state / WRITTEN
        written.mkdir(exist_ok=True)
        layout["written"] = str(written)
        env.setdefault("AZUREML_BI_OUTPUT_PATH", str(written))
    if plan.get("model"):
        env.setdefault("AZUREML_MODEL_DIR", str(_model_dir(live, str(plan["model"]), places)))
    file = places.folder / "parallel.json"
    file.write_text(json.dumps(layout), encoding="utf-8")
    return "exec python " + shlex.join([str(parallel_driver.__file__), str(file)])


_AS_PLANNED = (
    "entry", "partition_keys", "append_name", "error_threshold", "mini_batch_error_threshold",
    "allowed_failed_percent", "workers", "retries", "timeout_s", "init_timeout_s", "logging_level",
)  # fmt: skip


def _repeatable(plan: Mapping[str, Any]) -> dict[str, Any]:
    """What stays the same in another attempt of a step whose inputs nobody has looked at."""
    return {name: plan.get(name) for name in ("command", "code", "environment", "inputs", "parallel", "variables")}


def _folder_of(live: Live, port: str | None, places: Places) -> str | None:
    if port is None or port not in places.outputs:
        return None
    path = places.outputs[port]
    return os.path.dirname(path) if live.plan["outputs"][port]["type"] == "uri_file" else path


def _model_dir(live: Live, port: str, places: Places) -> Path:
    """The folder around the model: a folder keeps its own name in it, a file lies directly in it."""
    source = Path(str(places.inputs[port]))
    around = places.folder / "model"
    around.mkdir(exist_ok=True)
    uri = str(live.plan["inputs"][port].get("uri") or "").rstrip("/")
    is_root = uri.startswith("content://") and uri.count("/") == 2  # the name of the folder is not kept with content
    link = around / ("model" if is_root and source.is_dir() else source.name)
    if not link.is_symlink():
        link.symlink_to(source)
    return around


def _state(ctx: Context, live: Live, places: Places) -> Path:
    """Where finished mini-batches lie: of this job, at first those of the job that it resumes."""
    state = ctx.home.job(live.job.workspace, live.job.name) / STATE
    if not state.exists():
        former = _former(ctx, live)
        if former is not None:
            _take_over(ctx, live, former, state, places)
    state.mkdir(parents=True, exist_ok=True)
    return state


def _former(ctx: Context, live: Live) -> JobRecord | None:
    """The same step of the job that this one resumes, if its key is the same."""
    name = (live.tree.root.facts or {}).get("resumed_from")
    if not name:
        return None
    with ctx.db.read() as connection:
        root = store.get(connection, live.job.workspace, str(name))
        tree = {job.id: job for job in store.tree(connection, root.id)}
    for job in tree.values():
        if _path(job, tree) == live.path and job.reuse_key == live.job.reuse_key:
            return job
    return None


def _path(job: JobRecord, tree: Mapping[int, JobRecord]) -> str:
    names: list[str] = []
    while job.parent_id and job.parent_id in tree:
        names.append(str(job.node))
        job = tree[job.parent_id]
    return ".".join(reversed(names))


def _take_over(ctx: Context, live: Live, former: JobRecord, state: Path, places: Places) -> None:
    """Finished mini-batches, and what their script wrote to outputs itself."""
    source = ctx.home.job(former.workspace, former.name) / STATE
    if not source.is_dir():
        return
    for port, path in places.outputs.items():
        item = live.plan["outputs"][port]
        place = ctx.home.store(former.workspace, "workspaceblobstore") / "azureml" / former.name / port
        if item["type"] != "uri_file" and not item.get("path") and place.is_dir():
            shutil.copytree(place, path, dirs_exist_ok=True, symlinks=True)
    state.parent.mkdir(parents=True, exist_ok=True)
    staged = state.with_name(f"{STATE}.staged")
    shutil.rmtree(staged, ignore_errors=True)
    shutil.copytree(source, staged)
    staged.rename(state)
