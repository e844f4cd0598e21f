"""Everything that the workers of a revision need: environment, code, model, variables. Made once, used by each."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zaffre.base.errors import InvalidRequest
from zaffre.base.limits import SCORE_BYTES
from zaffre.engine.serving import collected, spool
from zaffre.engine.variables import GROUP, SUBSCRIPTION, inherited
from zaffre.ports.environment import BuiltEnvironment, EnvironmentDefinition
from zaffre.runtime import score_worker
from zaffre.services import places
from zaffre.services.context import Context
from zaffre.store.endpoints import DeploymentRecord

PROGRAM = Path(score_worker.__file__)
FILE = "prepared.json"


@dataclass(frozen=True)
class Prepared:
    """How a worker is started. `config` lacks what differs between workers: the socket and the status file."""

    folder: Path
    command: str
    cwd: Path
    env: dict[str, str]
    config: dict[str, Any]
    lock: tuple[str, ...] = field(default=())


def folder_of(ctx: Context, record: DeploymentRecord) -> Path:
    return ctx.home.deployment(record.workspace, record.endpoint, record.name)


def prepare(
    ctx: Context,
    record: DeploymentRecord,
    run: dict[str, Any],
    folder: Path,
    say: Callable[[str], None],
    cancelled: Callable[[], bool],
) -> Prepared:
    """Raises `ZaffreError` with the cause."""
    make_folder(folder)
    environment = _environment(ctx, run, say, cancelled)
    code = folder / "code"
    if not check_out(ctx, record, run, code):
        code.mkdir()
    model_dir, model = _model(ctx, record, run, folder / "models", say)
    (folder / "tmp").mkdir()
    layer = ctx.environments.layer(environment, folder / "layer")
    config = {
        "kind": run["kind"],
        "code": str(code),
        "script": run.get("script"),
        "model": str(model) if model else None,
        "concurrency": run["concurrency"],
        "batch": run["batch"],
        "frame_bytes": SCORE_BYTES,
        "deployment": {"workspace": record.workspace, "endpoint": record.endpoint, "name": record.name},
        "collect": _collect(ctx, record, run, say),
    }
    env = variables(record, run, code, model_dir, folder)
    env |= layer | ({"PATH": layer["PATH"] + os.pathsep + env["PATH"]} if "PATH" in layer else {})
    command = f"exec python {quoted(str(PROGRAM))} "
    return keep(Prepared(folder, command, code, env, config, tuple(environment.lock)))


def make_folder(folder: Path) -> None:
    """A new one in the place of what a former attempt left."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, mode=0o700)


def check_out(ctx: Context, record: DeploymentRecord, run: dict[str, Any], code: Path) -> bool:
    """The scoring code into that folder; False when there is none. Raises `InvalidRequest` without the script."""
    if not run.get("code"):
        return False
    ctx.content.checkout(run["code"], code)
    if not (code / run["script"]).is_file():
        raise InvalidRequest(
            f"deployment {record.name}: the code has no {run['script']}",
            code="ScoringScriptMissing",
            hint="scoring_script is a path below code_configuration.code",
        )
    return True


def keep(made: Prepared) -> Prepared:
    """Written down for the next server."""
    told = {**{k: v for k, v in vars(made).items() if k not in ("folder", "cwd")}, "cwd": str(made.cwd)}
    _write(made.folder / FILE, told)
    return made


def again(folder: Path) -> Prepared | None:
    """What was prepared before a restart of the server; None when it is not whole."""
    try:
        told = json.loads((folder / FILE).read_text())
        return Prepared(
            folder, told["command"], Path(told["cwd"]), told["env"], told["config"], tuple(told.get("lock", ()))
        )
    except (OSError, ValueError, KeyError):
        return None


def variables(
    record: DeploymentRecord, run: dict[str, Any], code: Path, model_dir: Path, folder: Path
) -> dict[str, str]:
    """All that a worker of this machine gets."""
    return {
        **inherited(),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(folder / "tmp"),
        **variables_of(record, run, str(code), str(model_dir)),
    }


def variables_of(record: DeploymentRecord, run: dict[str, Any], code: str, models: str) -> dict[str, str]:
    """What scoring scripts and servers in images read, and what the deployment itself sets, which wins."""
    return {
        "PYTHONUNBUFFERED": "1",
        "AZUREML_MODEL_DIR": models,
        "AML_APP_ROOT": code,
        "AZUREML_ENTRY_SCRIPT": str(run.get("script") or ""),
        "AZUREML_ARM_SUBSCRIPTION": SUBSCRIPTION,
        "AZUREML_ARM_RESOURCEGROUP": GROUP,
        "AZUREML_ARM_WORKSPACE_NAME": record.workspace,
        "AZUREML_ENDPOINT_NAME": record.endpoint,
        "AZUREML_DEPLOYMENT_NAME": record.name,
        "SERVICE_NAME": record.endpoint,
        "WORKER_COUNT": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "ZAFFRE_WORKSPACE": record.workspace,
        **{str(key): str(value) for key, value in run["variables"].items()},
    }


def _environment(
    ctx: Context, run: dict[str, Any], say: Callable[[str], None], cancelled: Callable[[], bool]
) -> BuiltEnvironment:
    if (ready := ctx.environments.ready(run["environment"])) is not None:
        return ready
    plan = ctx.environments.plan(EnvironmentDefinition(**run["definition"]))
    return ctx.environments.build(plan, say, cancelled)


def _model(
    ctx: Context, record: DeploymentRecord, run: dict[str, Any], place: Path, say: Callable[[str], None]
) -> tuple[Path, Path | None]:
    """The folder that AZUREML_MODEL_DIR names, and the model in it: under its own name, as Azure ML keeps it."""
    place.mkdir()
    told = run.get("model")
    if not told:
        return place, None
    source = source_of_model(ctx, record, told, say)
    link = place / told["name"]
    with contextlib.suppress(FileExistsError):
        link.symlink_to(source)
    return place, source.resolve()  # loaders refuse paths that leave their folder through a link


def source_of_model(ctx: Context, record: DeploymentRecord, told: dict[str, Any], say: Callable[[str], None]) -> Path:
    """Its file or folder on this machine."""
    notes: list[str] = []
    source = places.local_path(ctx, record.workspace, told["uri"], notes)
    for note in notes:
        say(note)
    return source


def _collect(
    ctx: Context, record: DeploymentRecord, run: dict[str, Any], say: Callable[[str], None]
) -> dict[str, Any] | None:
    """Raises `InvalidRequest` for a destination that can only be read."""
    told = run.get("collect")
    if not told:
        return None
    place = places.locate(ctx, record.workspace, told["uri"])
    if place.local is None and not ctx.remote.writable(place):
        raise InvalidRequest(
            f"data_collector: {told['uri']} can be read only",
            code="CollectorPlace",
            hint="a path in workspaceblobstore, or in another datastore that is no web server",
        )
    if not collected.converts():
        say("data_collector: pyarrow is not installed beside the server, so files are JSON lines, not parquet")
    return {
        "folder": str(spool.folder_for(ctx.home, record.workspace, record.endpoint, record.name, told["uri"])),
        "collections": told["collections"],
        "rolling_rate": told["rolling_rate"],
        "close_s": collected.CLOSE_S,
        "close_bytes": collected.CLOSE_BYTES,
    }


def _write(path: Path, told: dict[str, Any]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(told, file)


def quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
