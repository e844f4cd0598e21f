"""Close a document: what it names on this machine is sent to the server and replaced by where it is there."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zaffre.sdk.transport import Transport

if TYPE_CHECKING:
    from zaffre.sdk.documents import Submittable
    from zaffre.sdk.upload import Uploader

Json = MutableMapping[str, Any]

NESTED = ("component", "trial", "task", "create_job", "job")  # keys whose mapping is a job or component itself
DATA = ("training_data", "validation_data", "test_data")


@dataclass(frozen=True)
class Closed:
    """A document without local paths, and what this machine knows about its code."""

    spec: dict[str, Any]
    facts: dict[str, Any] = field(default_factory=dict)


class Closer:
    """Belongs to a client; `content` is the server's content store when it lies on this machine."""

    def __init__(self, transport: Transport, workspace: str, content: Path | None) -> None:
        self._transport, self._workspace, self._content = transport, workspace, content

    def close(
        self, what: Submittable, changes: Mapping[str, Any], *, default_kind: str, keep_paths: bool = False
    ) -> Closed:
        """Raises `SpecError` for a wrong document and `InvalidRequest` for a path that is not there.

        With `keep_paths` a local path becomes a `file:` address: the server shall read it where it lies.
        """
        from zaffre.sdk.documents import as_spec  # the language costs what only submissions need

        spec = as_spec(what, changes, default_kind)
        if keep_paths:
            path = spec.get("path")
            return Closed({**spec, "path": Path(path).as_uri()} if path and path.startswith("/") else spec)
        walk = _Walk(self)
        walk.document(spec, default_kind)
        return Closed(spec, walk.facts())

    def uploader(self) -> Uploader:
        from zaffre.sdk.upload import Uploader

        return Uploader(self._transport, self._workspace, self._content)


class _Walk:
    def __init__(self, closer: Closer) -> None:
        self._closer = closer
        self._uploader: Uploader | None = None
        self._code: list[Path] = []

    def document(self, spec: Json, kind: str) -> None:
        if kind == "data":
            self._replace(spec, "path")
        elif kind == "model":
            self._model(spec)
        elif kind in ("batch-deployment", "online-deployment"):
            self._deployment(spec)
        elif kind == "environment":
            self._environment(spec)
        elif kind in ("job", "component"):
            self._job(spec)

    def facts(self) -> dict[str, Any]:
        if not self._code:
            return {}
        from zaffre.sdk.git_facts import git_facts

        facts = git_facts(*dict.fromkeys(self._code))
        return {"git": facts} if facts else {}

    def _job(self, job: Json) -> None:
        self._code_of(job)
        if isinstance(packages := job.get("environment"), dict):
            self._environment(packages)
        for value in _mappings(job.get("inputs")):
            self._replace(value, "path")
        for key in DATA:
            if isinstance(table := job.get(key), dict):
                self._replace(table, "path")
        for key in NESTED:
            if isinstance(inner := job.get(key), dict):
                self._job(inner)
        for node in _mappings(job.get("jobs")):
            self._job(node)

    def _code_of(self, job: Json) -> None:
        includes = [Path(item) for item in job.get("additional_includes") or () if item.startswith("/")]
        code = job.get("code")
        local = Path(code) if isinstance(code, str) and code.startswith("/") else None
        if includes and (local or code is None):
            job["code"] = self._sender().merged(local, includes)
            del job["additional_includes"]
        else:
            self._replace(job, "code", code=True)
        if local:
            self._code.append(local)

    def _deployment(self, deployment: Json) -> None:
        for key in ("code_configuration", "component"):
            if isinstance(inner := deployment.get(key), dict):
                self._job(inner)
        if isinstance(model := deployment.get("model"), dict):
            self._model(model)
        if isinstance(packages := deployment.get("environment"), dict):
            self._environment(packages)

    def _model(self, model: Json) -> None:
        """A folder keeps its own name: scoring scripts look for it below AZUREML_MODEL_DIR."""
        path = model.get("path")
        if isinstance(path, str) and path.startswith("/") and Path(path).is_dir():
            folder = Path(path)
            model["path"] = f"{self._sender().merged(None, [folder], ignore_files=False)}/{folder.name}"
        else:
            self._replace(model, "path")

    def _environment(self, environment: Json) -> None:
        if isinstance(build := environment.get("build"), dict):
            self._replace(build, "path")

    def _replace(self, place: Json, key: str, *, code: bool = False) -> None:
        """Only absolute paths are local: the loader made them so; everything else is an address or a name."""
        value = place.get(key)
        if not isinstance(value, str) or not value.startswith("/"):
            return
        place[key] = self._sender().address(Path(value), ignore_files=code, as_folder=code)

    def _sender(self) -> Uploader:
        if self._uploader is None:
            self._uploader = self._closer.uploader()
        return self._uploader


def _mappings(value: Any) -> list[Json]:
    return [item for item in value.values() if isinstance(item, dict)] if isinstance(value, dict) else []
