"""Files of runs and models, by the paths that MLflow's clients see.

    mlflow-artifacts:/ExperimentRun/dcid.<run>/...   the default artifacts of a job
    mlflow-artifacts:/LoggedModel/<model id>/...     of a logged model; its folder may lie in the artifacts of its run
    mlflow-artifacts:/Trace/<trace id>/...           of a trace; clients before 3.4 put its spans there
    mlflow-artifacts:/ModelVersion/<name>/<version>/...   of a registered model, wherever it is kept; only to read

Below `ExperimentRun/dcid.<run>` stands what the job itself wrote too; its log can be read here but not replaced. A
reused step shows the files of the run that it reuses, to read only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from zaffre.base.confine import Item, Staged, kind_of, list_folder, open_file, parts_of, remove
from zaffre.base.errors import Conflict, Forbidden, InvalidRequest
from zaffre.plugins.datastores.confine import below
from zaffre.services import places
from zaffre.services.context import Context
from zaffre.store import asset_places, assets, logged_models, runs, traces

SCHEME = "mlflow-artifacts:/"
RUNS, MODELS, TRACES, VERSIONS = "ExperimentRun", "LoggedModel", "Trace", "ModelVersion"
ARTIFACT_STORE = "workspaceartifactstore"
RUN_ROOT = f"{SCHEME}{RUNS}/dcid."
OWN_FOLDERS = ("user_logs", "system_logs")  # the server's, in a job's artifacts


def run_uri(run: str) -> str:
    return RUN_ROOT + run


def run_path(run: str) -> str:
    return f"{RUNS}/dcid.{run}"


@dataclass(frozen=True)
class Place:
    """A file or folder: `parts` below `root`; `owned` when clients may only read it."""

    root: Path
    parts: tuple[str, ...]
    owned: bool
    job_id: int | None = None


def locate(context: Context, workspace: str, path: str) -> Place:
    """Where an artifact path leads. Raises `InvalidRequest` for a path that escapes, `NotFound` for an unknown run."""
    parts = parts_of(path)
    root = context.home.store(workspace, ARTIFACT_STORE)
    if len(parts) >= 2 and parts[0] == RUNS and parts[1].startswith("dcid."):
        with context.db.read() as connection:
            run = runs.get(connection, workspace, parts[1].removeprefix("dcid."))
            if run.reused_from:
                source = runs.names_of(connection, [run.reused_from])[run.reused_from]
                return Place(root / RUNS / f"dcid.{source}", parts[2:], owned=True)
        owned = run.type != runs.INTERACTIVE and len(parts) > 2 and parts[2] in OWN_FOLDERS
        return Place(below(root, f"{parts[0]}/{parts[1]}", path), parts[2:], owned, run.id)
    if len(parts) >= 2 and parts[0] == MODELS:
        with context.db.read() as connection:
            model = logged_models.get(connection, workspace, parts[1], allow_deleted=True)
        return Place(below(root, model.path, path), parts[2:], False)
    if len(parts) >= 2 and parts[0] == TRACES:
        with context.db.read() as connection:
            trace = traces.get(connection, workspace, parts[1])
        return Place(below(root, f"{TRACES}/{trace.name}", path), parts[2:], False)
    if len(parts) >= 3 and parts[0] == VERSIONS:
        return _of_version(context, workspace, parts[1], parts[2], parts[3:])
    raise InvalidRequest(
        f"Invalid path: artifacts are kept below {RUNS}/dcid.<run> and {MODELS}/<model>, not at {path[:200]!r}",
        code="InvalidPath",
        hint="use the artifact_uri of the run as it came",
    )


def _of_version(context: Context, workspace: str, name: str, version: str, rest: tuple[str, ...]) -> Place:
    with context.db.read() as connection:
        record = assets.get(connection, workspace, "model", name, version)
    local = places.locate(context, workspace, record.uri or "").local
    if local is None:
        raise InvalidRequest(
            f"model {name}:{version} is kept elsewhere, at {record.uri}",
            code="ModelElsewhere",
            hint=f"zaffre model download --name {name} --version {version}",
        )
    return Place(local, rest, True) if local.is_dir() else Place(local.parent, (local.name, *rest), True)


def list_artifacts(context: Context, workspace: str, path: str, *, with_models: bool = False) -> list[Item]:
    """Entries of a folder; a file has none: by that older clients tell files from folders.

    The folders of a run's logged models are left out unless `with_models`: clients since 3.0 ask the models themselves
    and put both lists together.
    """
    place = locate(context, workspace, path)
    hidden: set[tuple[str, ...]] = set()
    if place.job_id is not None and not with_models:
        with context.db.read() as connection:
            models = logged_models.of_job(connection, place.job_id)
        hidden = {parts_of(model.path)[2:] for model in models}
    if any(place.parts[: len(folder)] == folder for folder in hidden):
        return []
    found = kind_of(place.root, place.parts)
    if found and not found.is_folder:
        return []
    return [item for item in list_folder(place.root, place.parts) if (*place.parts, item.name) not in hidden]


def read_artifact(context: Context, workspace: str, path: str) -> tuple[BinaryIO, int]:
    """The open file and its size. Raises `NotFound`."""
    place = locate(context, workspace, path)
    return open_file(place.root, place.parts)


def write_artifact(context: Context, workspace: str, path: str) -> Staged:
    """Where the bytes go; `commit_artifact` puts them in their place. Raises as `place_of_upload`."""
    place = place_of_upload(context, workspace, path)
    staging = context.home.store(workspace, ARTIFACT_STORE) / ".staging"
    return Staged(place.root, place.parts, staging)


def commit_artifact(context: Context, workspace: str, path: str, staged: Staged) -> None:
    """Raises as `place_of_upload`: meanwhile the folder may have become a version."""
    place_of_upload(context, workspace, path)
    staged.commit()


def delete_artifact(context: Context, workspace: str, path: str) -> None:
    """A file or a folder; of a whole run everything but what the server keeps there.

    Raises `NotFound`, or `Conflict` when a version of a model or of data is kept there.
    """
    place = writable_place(context, workspace, path)
    _refuse_if_used(context, workspace, place, "deleted")
    if place.parts:
        remove(place.root, place.parts)
        return
    for item in list_folder(place.root, ()):
        if item.name not in OWN_FOLDERS:
            remove(place.root, (item.name,))


def place_of_upload(context: Context, workspace: str, path: str) -> Place:
    """As `writable_place`. Raises `Conflict` for a file of a version of a model or of data: versions never change."""
    place = writable_place(context, workspace, path)
    _refuse_if_used(context, workspace, place, "written")
    return place


def _refuse_if_used(context: Context, workspace: str, place: Place, verb: Literal["written", "deleted"]) -> None:
    root = context.home.store(workspace, ARTIFACT_STORE)
    path = "/".join((*place.root.relative_to(root).parts, *place.parts))
    find = asset_places.versions_around if verb == "written" else asset_places.versions_at
    with context.db.read() as connection:
        used = find(connection, workspace, f"azureml://datastores/{ARTIFACT_STORE}/paths/{path}")
    if used:
        named = ", ".join(f"{kind} {name}:{version}" for kind, name, version in used)
        raise Conflict(
            f"{path} cannot be {verb}: {named} is kept there, and versions never change",
            code="ArtifactInUse",
            hint="write to another path" if verb == "written" else "delete the version first, if nobody needs it",
        )


def writable_place(context: Context, workspace: str, path: str) -> Place:
    """As `locate`. Raises `Forbidden` for what only the server writes."""
    place = locate(context, workspace, path)
    if place.owned:
        raise Forbidden(
            f"{'/'.join(place.parts) or 'this folder'} belongs to the server, or to a run that is reused: it can be "
            "read here, not replaced or deleted",
            code="ArtifactReadOnly",
            hint="choose another path",
        )
    return place
