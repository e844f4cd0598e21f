"""Where addresses lead: datastores, the content store, URLs. The one place that turns a `uri` of a plan into bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zaffre.base.errors import InvalidRequest, NotFound
from zaffre.core import manifest as manifests
from zaffre.core.manifest import Manifest
from zaffre.plugins.datastores.confine import below
from zaffre.ports.content import Location
from zaffre.services.context import Context
from zaffre.store import resources

BUILT_IN = ("workspaceblobstore", "workspaceartifactstore", "workspacefilestore", "workspaceworkingdirectory")
DATASTORE = re.compile(r"azureml://(?:subscriptions/.*/)?datastores/(?P<name>[^/]+)/paths/(?P<path>.*)", re.DOTALL)
CONTENT = re.compile(r"content://(?P<root>[0-9a-f]{64})(?:/(?P<path>.*))?", re.DOTALL)


def datastore(ctx: Context, workspace: str, name: str, *, with_credentials: bool = False) -> dict[str, Any]:
    """The definition of a datastore; built-in ones are folders of the home. Raises `NotFound`."""
    if name in BUILT_IN:
        return {"name": name, "type": "local", "path": str(ctx.home.store(workspace, name))}
    with ctx.db.read() as connection:
        spec, secret = resources.get(connection, workspace, "datastore", name)
    return {**spec, "credentials": ctx.vault.decrypt(secret)} if secret and with_credentials else spec


def is_built_in(uri: str) -> bool:
    """Whether an address is in one of the folders of the home: always on this machine."""
    found = DATASTORE.fullmatch(uri)
    return bool(found and found["name"] in BUILT_IN)


def default_output(job: str, port: str, type_: str) -> str:
    """Where an output goes that names no path. A file lies in a folder of its own, under the output's name."""
    folder = f"azureml://datastores/workspaceblobstore/paths/azureml/{job}/{port}/"
    return folder + port if type_ == "uri_file" else folder


def locate(ctx: Context, workspace: str, uri: str) -> Location:
    """Where the bytes behind an address are. Raises `NotFound` for an unknown datastore or content."""
    if found := CONTENT.fullmatch(uri):
        folder = ctx.content.shared(found["root"])
        return Location(uri, _in_tree(folder, found["path"] or "", uri))
    if found := DATASTORE.fullmatch(uri):
        store = datastore(ctx, workspace, found["name"], with_credentials=True)
        if store["type"] == "local":
            return Location(uri, below(Path(store["path"]), found["path"], uri))
        return ctx.remote.in_datastore(store, found["path"])
    if uri.startswith("file://"):
        return Location(uri, Path(uri.removeprefix("file://")))
    if "://" not in uri:
        raise no_address(uri)  # it would be a path below wherever the server was started
    return ctx.remote.locate(uri)


def no_address(text: str) -> InvalidRequest:
    return InvalidRequest(
        f"{text[:300]} is no address", code="NoAddress", hint="azureml://datastores/workspaceblobstore/paths/FOLDER"
    )


def _in_tree(folder: Path, path: str, uri: str) -> Path:
    """A tree that is laid out has files and folders only, under paths that passed the same judge (SEC-01)."""
    inner = path.strip("/")
    if inner and (reason := manifests.wrong_path(inner)):
        raise InvalidRequest(f"{uri}: the path {reason}", code="InvalidPath")
    return folder / inner if inner else folder


def local_path(ctx: Context, workspace: str, uri: str, notes: list[str]) -> Path:
    """The bytes behind an address as a local path: in place when they are on this machine, else fetched once."""
    place = locate(ctx, workspace, uri)
    if place.note:
        notes.append(place.note)
    if place.local is None:
        return ctx.remote.fetch(place, ctx.home.cache)
    if not place.local.exists():
        raise NotFound(
            f"{place.note}: it does not exist" if place.note else f"{uri} does not exist", code="DataNotFound"
        )
    return place.local


def listing(ctx: Context, workspace: str, uri: str) -> Manifest | None:
    """The files behind an address with their hashes; None for a remote one, which is not read for that.

    Stored content is not written out for it. Raises `NotFound` when there is nothing.
    """
    if found := CONTENT.fullmatch(uri):
        tree = ctx.content.manifest(found["root"])
        inner = manifests.below(tree, found["path"]) if found["path"] else tree
        if inner is None:
            raise NotFound(f"{uri} does not exist", code="DataNotFound")
        return inner
    place = locate(ctx, workspace, uri)
    if place.local is None:
        return None
    if not place.local.exists():
        raise NotFound(f"{uri} does not exist", code="DataNotFound")
    return ctx.content.scan(place.local, ignore_files=False)


def identity(ctx: Context, workspace: str, uri: str) -> str:
    """What identifies the content behind an address now: the root of its tree, or the fingerprint of a remote source.

    Raises `NotFound` when there is nothing.
    """
    found = CONTENT.fullmatch(uri)
    if found and not found["path"]:
        return found["root"]
    files = listing(ctx, workspace, uri)
    return files.root if files is not None else ctx.remote.fingerprint(locate(ctx, workspace, uri))


def fill(path: str, job: str, port: str, extra: Mapping[str, str] = {}) -> str:
    """${{name}}, ${{output_name}} and ${{default_datastore}} in an output's path."""
    values = {"name": job, "output_name": port, "default_datastore": "workspaceblobstore", **extra}
    return re.sub(r"\$\{\{\s*(\w+)\s*}}", lambda match: values.get(match[1], match[0]), path)
