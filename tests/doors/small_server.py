"""A small real HTTP server that answers the operation table from memory, to test clients against."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from zaffre.base import errors
from zaffre.plugins.content.store import FileContentStore
from zaffre.ports.content import Entry
from zaffre.wire.operation import Body, Operation
from zaffre.wire.table import OPERATIONS

TOKEN = "secret-token"


Run = Callable[..., "subprocess.CompletedProcess[str]"]  # of the command line as a program


class SmallServer:
    """`jobs`, `assets` and `resources` are what it remembers; `faults` makes the next calls of an operation fail."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.content = FileContentStore(home / "content")
        self.jobs: dict[str, dict[str, Any]] = {}
        self.logs: dict[str, list[bytes]] = {}
        self.events: dict[str, list[dict[str, Any]]] = {}
        self.assets: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.resources: dict[tuple[str, str], dict[str, Any]] = {}
        self.faults: dict[str, list[Callable[[], Response]]] = {}
        self.calls: list[tuple[str, Any, dict[str, str]]] = []
        self.archive = b""
        self.stopped = False

    # --- HTTP ---

    def start(self) -> None:
        operations = sorted(OPERATIONS.values(), key=lambda operation: operation.path.count("{"))
        routes = [Route("/api" + op.path, self._endpoint(op), methods=[op.method]) for op in operations]
        config = uvicorn.Config(Starlette(routes=routes), port=0, log_level="error", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        said = {"url": self.url, "token": TOKEN, "pid": os.getpid()}
        (self.home / "server.json").write_text(json.dumps(said))

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)

    def _endpoint(self, operation: Operation[Any, Any]) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            if faults := self.faults.get(operation.name):
                return faults.pop(0)()
            if operation.name != "server.health" and request.headers.get("authorization") != f"Bearer {TOKEN}":
                return _error(errors.Unauthorized("no valid token", hint="set ZAFFRE_TOKEN"))
            fields: dict[str, Any] = {**request.query_params, **request.path_params}
            body = await request.body()
            if operation.body is Body.STREAM_UP:
                fields["_body"] = body
            elif body:
                fields |= json.loads(body)
            try:
                return await run_in_threadpool(self._serve, operation, fields, dict(request.headers))
            except errors.ZaffreError as error:
                return _error(error)

        return answer

    def _serve(self, operation: Operation[Any, Any], fields: dict[str, Any], headers: dict[str, str]) -> Response:
        body = fields.pop("_body", None)
        asked = operation.request.model_validate(fields)
        self.calls.append((operation.name, asked, headers))
        noun, verb = operation.name.split(".")
        method = getattr(self, f"{noun}_{verb}", None)
        if method is None:
            kind = self._asset if noun in ("data", "environment", "component", "model") else self._resource
            value = kind(noun, verb, asked)
        else:
            value = method(asked) if body is None else method(asked, body)
        if operation.body in (Body.STREAM_DOWN, Body.EVENTS):
            return StreamingResponse(value)
        return JSONResponse(value)

    # --- operations ---

    def server_health(self, _: Any) -> Any:
        return {}

    def server_stop(self, _: Any) -> Any:
        self.stopped = True
        return {}

    def server_status(self, _: Any) -> Any:
        return {"version": "1", "url": self.url, "home": str(self.home), "database": "sqlite", "pid": os.getpid(),
                "started_at": "now", "living_jobs": 0}  # fmt: skip

    def storage_gc(self, asked: Any) -> Any:
        return {"dry_run": asked.dry_run, "objects": 3, "bytes": 1000, "environments": [], "job_folders": 0}

    def storage_scrub(self, _: Any) -> Any:
        damaged = [{"hash": "0" * 64, "problem": "content differs", "used_by": ["data patients:1"]}]
        whole = {"of_objects": 3, "of_bytes": 10}
        for number, found in enumerate((damaged, [], [])):
            event = {"id": number, "over": number == 2, "objects": number + 1, "bytes": 3, "damaged": found, **whole}
            yield json.dumps(event).encode() + b"\n"

    def jobs_create(self, asked: Any) -> Any:
        name = asked.spec.get("name") or f"job_{len(self.jobs)}"
        job = {"type": "command", "status": "Queued", **asked.spec, "name": name}
        if asked.experiment_name:
            job["experiment_name"] = asked.experiment_name
        self.jobs[name] = job
        return job

    def jobs_plan(self, asked: Any) -> Any:
        steps = [
            {"step": "prepare", "runs": False, "cause": "reused from merry_falcon", "saved_s": 14.0},
            {"step": "train", "runs": True, "cause": "src/train.py changed at line 12"},
        ]
        return {"steps": steps, "will_run": 1, "reused": 1, "unknown": 0, "saved_s": 14.0}

    def jobs_list(self, asked: Any) -> Any:
        found = [job for job in self.jobs.values() if job.get("parent_job_name") == asked.parent_job_name]
        begin = int(asked.cursor or 0)
        end = begin + min(asked.max_results, 2)  # two a page
        return {"items": found[begin:end], "cursor": str(end) if end < len(found) else None}

    def _job(self, name: str) -> dict[str, Any]:
        if name not in self.jobs:
            raise errors.NotFound(f"no job `{name}` in workspace `default`", hint="`zaffre job list` shows all")
        return self.jobs[name]

    def jobs_show(self, asked: Any) -> Any:
        return self._job(asked.name)

    def jobs_cancel(self, asked: Any) -> Any:
        job = self._job(asked.name)
        job["status"] = "Canceled"
        return job

    def jobs_update(self, asked: Any) -> Any:
        job = self._job(asked.name)
        changes = asked.model_dump(exclude_unset=True, exclude={"name", "workspace"})
        tags = job.get("tags", {}) | changes.pop("tags", {})
        job |= changes | {"tags": {key: value for key, value in tags.items() if value is not None}}
        return job

    def jobs_archive(self, asked: Any) -> Any:
        return self._job(asked.name) | {"archived": True}

    jobs_restore = jobs_resume = jobs_show

    def jobs_log(self, asked: Any) -> Iterator[bytes]:
        self._job(asked.name)
        pieces = self.logs.get(asked.name, [])

        def send() -> Iterator[bytes]:
            skip = asked.offset
            for piece in pieces:
                if piece == b"<cut>":
                    if asked.offset == 0:
                        raise ConnectionError("cut")  # uvicorn closes without the end of the body
                    continue
                if piece == b"<wait>":
                    time.sleep(3)
                    continue
                if skip >= len(piece):
                    skip -= len(piece)
                    continue
                yield piece[skip:]
                skip = 0
                time.sleep(0.01)

        return send()

    def jobs_watch(self, asked: Any) -> Iterator[bytes]:
        self._job(asked.name)

        def send() -> Iterator[bytes]:
            yield b"\n"
            for event in self.events.get(asked.name, []):
                if event.get("cut"):
                    if asked.after == 0:
                        raise ConnectionError("cut")
                elif event["id"] > asked.after:
                    yield json.dumps(event).encode() + b"\n"
                    time.sleep(0.01)

        return send()

    def jobs_download(self, asked: Any) -> Iterator[bytes]:
        self._job(asked.name)
        return iter([self.archive[i : i + 1000] for i in range(0, len(self.archive), 1000)])

    data_download = model_download = jobs_download

    def content_missing(self, asked: Any) -> Any:
        return {"hashes": sorted(self.content.missing(asked.hashes))}

    def content_upload(self, asked: Any, body: bytes) -> Any:
        return {"objects": len(self.content.receive(iter([body])))}

    def content_tree(self, asked: Any) -> Any:
        manifest = self.content.put_manifest([Entry(e.path, e.size, e.hash, e.executable) for e in asked.entries])
        return {"root": manifest.root, "files": len(manifest.entries), "size": manifest.size}

    def workspace_list(self, _: Any) -> Any:
        return {"items": [{"name": "default", "mlflow_tracking_uri": self.url}]}

    def workspace_show(self, asked: Any) -> Any:
        return {"name": asked.workspace, "mlflow_tracking_uri": self.url}

    def workspace_create(self, asked: Any) -> Any:
        return asked.spec

    def workspace_delete(self, _: Any) -> Any:
        return {}

    def data_diff(self, asked: Any) -> Any:
        files = [{"path": "a.csv", "change": "changed", "size": 2, "former_size": 1, "rows": 4, "former_rows": 3}]
        return {"name": asked.name, "base": asked.base, "other": asked.other, "files": files, "bytes_added": 1,
                "bytes_removed": 0}  # fmt: skip

    def data_check(self, asked: Any) -> Any:
        return {"name": asked.name, "version": "1", "changed": False, "detail": "as it was"}

    def _asset(self, noun: str, verb: str, asked: Any) -> Any:
        if verb == "list" and asked.name is None:
            return {"items": [versions[-1] for (kind, _), versions in self.assets.items() if kind == noun]}
        name = asked.spec["name"] if verb == "create" else asked.name
        versions = self.assets.setdefault((noun, name), [])
        if verb == "create":
            versions.append({**asked.spec, "version": str(asked.spec.get("version") or len(versions) + 1)})
            return versions[-1]
        if verb == "list":
            return {"items": versions}
        found = [one for one in versions if one["version"] == (asked.version or versions[-1]["version"])]
        if not found:
            raise errors.NotFound(f"no {noun} `{name}`")
        if verb == "update":
            found[0] |= asked.model_dump(exclude_unset=True, exclude={"name", "version", "label", "workspace"})
        if verb == "lineage":
            edge = {
                "job": "j1",
                "job_status": "Completed",
                "direction": "out",
                "port": "model",
                "kind": noun,
                "ref": name,
            }
            return {"made_by": [edge], "used_by": []}
        if verb == "delete":
            versions.remove(found[0])
        return found[0] if verb in ("show", "update") else {}

    def _resource(self, noun: str, verb: str, asked: Any) -> Any:
        if verb == "list":
            return {"items": [value for (kind, _), value in self.resources.items() if kind == noun]}
        if verb == "create":
            self.resources[noun, asked.spec["name"]] = asked.spec
            return asked.spec
        value = self.resources.get((noun, asked.name))
        if value is None:
            raise errors.NotFound(f"no {noun} `{asked.name}`")
        if verb == "delete":
            del self.resources[noun, asked.name]
        if verb == "update":
            value |= asked.changes
        return value


def _error(error: errors.ZaffreError) -> Response:
    return JSONResponse(error.body(), error.status)


def tar(members: dict[str, bytes | tarfile.TarInfo]) -> bytes:
    """A tar file of these; a `TarInfo` stands for itself."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                archive.addfile(content)
            else:
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
