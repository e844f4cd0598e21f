"""Everything that the containers of a revision need: image, mounts, variables, limits. Made once, used by each.

A container of its own (`inference_config`) is asked over HTTP on its own loopback. One without runs our worker in it,
which answers on a socket in a folder that both sides see. Neither has a network unless the deployment wants one.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zaffre.base.errors import InvalidRequest, Unavailable
from zaffre.base.limits import SCORE_BYTES
from zaffre.core.container import environment_file
from zaffre.engine.serving import files
from zaffre.engine.serving.files import Prepared
from zaffre.ports.container import FOLDER, NAME, PID_FILE, ContainerEngine, Mount, Run
from zaffre.runtime import run_container
from zaffre.services.context import Context
from zaffre.store.endpoints import DeploymentRecord

PROGRAM = Path(run_container.__file__)
CODE, RUNTIME, SHARED = "/var/azureml-app/code", "/opt/zaffre", "/run/zaffre"
GRACE_S = 3  # what it gets to end; less than what its worker gets
NOBODY = "65534:65534"
LOCAL = "localhost/zaffre-build"


def prepare(
    ctx: Context,
    record: DeploymentRecord,
    run: dict[str, Any],
    folder: Path,
    say: Callable[[str], None],
    cancelled: Callable[[], bool],
) -> Prepared:
    """Raises `ZaffreError` with the cause."""
    engine = ctx.containers
    if engine is None or (missing := engine.missing()):
        raise Unavailable(f"deployment {record.name}: {missing}", code="ContainerEngineMissing")
    files.make_folder(folder)
    box, own = run["container"], run["kind"] != "container"
    image = _image(ctx, engine, box, folder, say, cancelled)
    mounts = []
    if files.check_out(ctx, record, run, folder / "code"):
        mounts.append(Mount(str(folder / "code"), CODE))
    model = _model(ctx, record, run, box["models"], say, mounts)
    if own:
        mounts += [Mount(str(PROGRAM.parent), RUNTIME), Mount(f"{FOLDER}/shared", SHARED, writable=True)]
    variables = folder / "variables"
    descriptor = os.open(variables, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(environment_file(files.variables_of(record, run, CODE, box["models"])))
    words = engine.words(Run(
        image, variables, mounts, network=box["network"], closed=own, user=_user() if own else None,
        memory_mb=run["memory_mb"], cpus=box["cpus"],
        labels={"zaffre.deployment": f"{record.workspace}/{record.endpoint}/{record.name}"},
        entrypoint="python3" if own else None,
        arguments=(f"{RUNTIME}/score_worker.py", f"{SHARED}/config.json") if own else (),
    ))  # fmt: skip
    config = {
        "run": words,
        "stop": engine.stop_words(GRACE_S),
        "kind": run["kind"],
        "routes": box["routes"],
        "probes": box["probes"],
        "code": CODE,
        "script": run.get("script"),
        "model": model,
        "concurrency": run["concurrency"],
        "batch": run["batch"],
        "frame_bytes": SCORE_BYTES,
        "deployment": {"workspace": record.workspace, "endpoint": record.endpoint, "name": record.name},
        "collect": None,
    }
    env = {**engine.variables(), "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    command = f"exec {files.quoted(sys.executable)} {files.quoted(str(PROGRAM))} "
    return files.keep(Prepared(folder, command, folder, env, config, (f"image {box['image'] or 'built'} {image}",)))


def of_worker(config: dict[str, Any], control: Path, name: str) -> str:
    """What differs between the workers of a revision, put into `config`; the name of the container."""
    box = f"zaffre-{name}"
    for words in ("run", "stop"):
        config[words] = [word.replace(NAME, box).replace(FOLDER, str(control)) for word in config[words]]
    config["pid"] = str(control / PID_FILE)
    if config["kind"] != "container":
        shared = control / "shared"
        shared.mkdir(mode=0o700)
        inner = {**config, "socket": f"{SHARED}/score.sock", "status": f"{SHARED}/status.json"}
        inner = {key: value for key, value in inner.items() if key not in ("run", "stop", "pid", "routes", "probes")}
        (shared / "config.json").write_text(json.dumps(inner))
        (shared / "config.json").chmod(0o644)
        if os.geteuid() == 0:
            os.chown(shared, *map(int, NOBODY.split(":")))
        config["inside"] = {"socket": str(shared / "score.sock"), "status": str(shared / "status.json")}
    return box


def _user() -> str:
    """Whom our worker runs as: nobody, or as a rootless engine numbers us."""
    return NOBODY if os.geteuid() == 0 else "0:0"


def _image(
    ctx: Context,
    engine: ContainerEngine,
    box: dict[str, Any],
    folder: Path,
    say: Callable[[str], None],
    cancelled: Callable[[], bool],
) -> str:
    build = box["build"]
    if not build:
        return engine.get(box["image"], say, cancelled)
    key = hashlib.blake2b(json.dumps(build, sort_keys=True).encode(), digest_size=16).hexdigest()
    tag = f"{LOCAL}:{key}"
    if found := engine.find(tag):
        say(f"image {tag} was built before")
        return found
    context = folder / "context"
    ctx.content.checkout(build["root"], context)
    if not (context / build["dockerfile"]).is_file():
        raise InvalidRequest(
            f"build context has no {build['dockerfile']}",
            code="DockerfileMissing",
            hint="name it with build.dockerfile_path",
        )
    say(f"building image {tag}")
    try:
        return engine.build(context, build["dockerfile"], tag, build["args"], say, cancelled)
    finally:
        shutil.rmtree(context, ignore_errors=True)


def _model(
    ctx: Context,
    record: DeploymentRecord,
    run: dict[str, Any],
    place: str,
    say: Callable[[str], None],
    mounts: list[Mount],
) -> str | None:
    """Mounted where AZUREML_MODEL_DIR points, under its own name; its path in the container."""
    told = run.get("model")
    if not told:
        return None
    source = files.source_of_model(ctx, record, told, say).resolve()
    inside = f"{place}/{told['name']}"
    mounts.append(Mount(str(source), inside))
    return inside
