"""Make a folder that serves a version without Zaffre: model, code, locked environment, program, files for containers.

What is run is what an online deployment of the same document would run. The server opens none of the model's files.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from zaffre.base.errors import InvalidRequest
from zaffre.base.limits import SCORE_BYTES
from zaffre.ports.environment import EnvironmentDefinition
from zaffre.runtime import score_worker
from zaffre.services import places
from zaffre.services.assets.show import find
from zaffre.services.context import Context
from zaffre.services.jobs.download import folder_members
from zaffre.services.models.package_texts import Facts, texts
from zaffre.services.online_deployments.resolve import QUEUE, plan_of
from zaffre.services.resolve.scope import Scope
from zaffre.services.tar import Member, stream
from zaffre.spec.document import dump, parse
from zaffre.store.assets import AssetRecord
from zaffre.wire.models import PackageModel

FORMAT = 1  # of package.json
RUNTIME = Path(score_worker.__file__).parent
PROGRAMS = ("serve_package.py", "score_worker.py", "zaffre_package/*.py", "zaffre_scoring/*.py")
LEAST_MB = 1024  # what Python with the usual libraries takes, and some


def package(ctx: Context, request: PackageModel) -> Iterator[bytes]:
    """The folder as a tar stream; all that can be wrong is found before it begins.

    Raises `NotFound`; `InvalidRequest` when nothing tells how the model is scored or which packages it needs, or when a
    package cannot be fixed by a hash.
    """
    with ctx.db.read() as connection:
        record = find(connection, "model", request)
        spec, notes = _document(record, request)
        plan = plan_of(Scope(ctx, connection, record.workspace), spec)
    run, scale = plan["run"], plan["scale"]
    if run.get("container"):
        raise InvalidRequest(
            f"{record.name}:{record.version} is served by an image of its own: that is its package",
            code="NotPackaged",
            hint="--file with a deployment whose environment is Python packages",
        )
    found = places.local_path(ctx, record.workspace, run["model"]["uri"], notes := [*notes, *plan["notes"]])
    environment = ctx.environments.plan(EnvironmentDefinition(**run["definition"]))
    lock = ctx.environments.locked(environment)
    if any(line.startswith(("--index-url", "--extra-index-url")) for line in environment.requirements):
        notes.append("the environment uses package indexes of its own: name them to pip or uv where you install it")
    name = PurePosixPath(str(run["model"]["name"])).name or "model"
    size = sum(path.stat().st_size for path in (found.rglob("*") if found.is_dir() else [found]) if path.is_file())
    told = {
        "format": FORMAT,
        "name": record.name,
        "version": record.version,
        "python": environment.python,
        "kind": run["kind"],
        "model": f"model/{name}",
        "script": run.get("script"),
        "variables": {str(key): str(value) for key, value in run["variables"].items()},
        "concurrency": run["concurrency"],
        "batch": run["batch"],
        "workers": max(1, scale["min"]),
        "limits": {"body_bytes": SCORE_BYTES, "timeout_s": scale["timeout_ms"] / 1000, "queue": QUEUE},
        "notes": notes,
    }
    memory = int(run["memory_mb"] or (LEAST_MB + 3 * (size >> 20)) * told["workers"])
    pages = texts(Facts(told, memory, (record.facts or {}).get("signature")))
    return stream(_members(ctx, run, told, pages | {"requirements.txt": lock}, found))


def _document(record: AssetRecord, request: PackageModel) -> tuple[dict[str, Any], list[str]]:
    """Of the deployment that would serve this version, and what of it has no place in a package."""
    given = dict(request.deployment or {})
    notes = []
    if given.pop("data_collector", None):
        notes.append("data_collector: a package collects nothing")
    given |= {"name": given.get("name") or "package", "endpoint_name": given.get("endpoint_name") or "package"}
    given["model"] = f"azureml:{record.name}:{record.version}"
    if request.environment is not None:
        given["environment"] = request.environment
    return dump(parse(given, kind="online-deployment").spec), notes


def _members(
    ctx: Context, run: dict[str, Any], told: dict[str, Any], pages: dict[str, str], found: Path
) -> Iterator[Member]:
    yield _text("package.json", json.dumps(told, indent=2) + "\n")
    for name, text in pages.items():
        yield _text(name, text, executable=name == "run.sh")
    for pattern in PROGRAMS:
        for path in sorted(RUNTIME.glob(pattern)):
            yield _text(f"serve/{path.relative_to(RUNTIME).as_posix()}", path.read_text(encoding="utf-8"))
    entries = ctx.content.manifest(run["code"]).entries if run.get("code") else ()
    for entry in entries:
        read = _reader(ctx, entry.hash)
        yield Member(f"code/{entry.path}", entry.size, read(), entry.executable)
    if not entries:
        yield _text("code/.keep", "")
    if found.is_dir():
        yield from folder_members(found, told["model"], None)
    else:
        yield from (replace(member, name=told["model"]) for member in folder_members(found, "model", None))


def _reader(ctx: Context, hash_: str) -> Callable[[], Iterator[bytes]]:
    def read() -> Iterator[bytes]:
        with ctx.content.open(hash_) as file:
            while chunk := file.read(1 << 20):
                yield chunk

    return read


def _text(name: str, text: str, *, executable: bool = False) -> Member:
    content = text.encode()
    return Member(name, len(content), iter([content]), executable)
