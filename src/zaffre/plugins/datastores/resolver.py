"""From what a user wrote (a URL, a path, `azureml://datastores/...`) to where the bytes are."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from zaffre.base.errors import Forbidden, InvalidRequest, NotFound
from zaffre.plugins.datastores.address import azure, hide, split
from zaffre.plugins.datastores.confine import below, confined
from zaffre.plugins.datastores.guard import Guard, OpenGuard
from zaffre.plugins.datastores.opening import open_filesystem
from zaffre.ports.content import Location

DATASTORE = re.compile(
    r"azureml://(?:subscriptions/[^/]+/resource_?groups/[^/]+/(?:providers/[^/]+/)?workspaces/[^/]+/)?"
    r"datastores/(?P<name>[^/?#]+)(?:/paths(?:/(?P<path>.*))?)?",
    re.IGNORECASE | re.DOTALL,
)

AZURE_KINDS = ("azure_blob", "azure_data_lake_gen2")
MACHINE_IDENTITY = ("AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE", "IDENTITY_ENDPOINT", "MSI_ENDPOINT")


class Resolver:
    """`datastores`: name -> definition with the fields of the YAML (`type`, `account_name`, ..., `credentials`), for
    `azureml://datastores/...`.

    Types: `local_folder` (`path`), `azure_blob`, `azure_data_lake_gen2`, `s3` and `http`. `rewrites` maps a prefix of
    URLs to `file:///folder` or another URL; the longest prefix wins. Local paths outside datastores are refused unless
    `local_paths`: a server that serves others must not read any file for them.
    """

    def __init__(
        self,
        datastores: Mapping[str, Mapping[str, Any]] | None = None,
        rewrites: Mapping[str, str] | None = None,
        *,
        local_paths: bool = True,
        guard: Guard | None = None,
    ) -> None:
        self.datastores, self.local_paths, self.guard = datastores or {}, local_paths, guard or Guard()
        self.rewrites = sorted((rewrites or {}).items(), key=lambda rule: (-len(rule[0]), rule[0]))

    def resolve(self, reference: str) -> Location:
        """Raises `NotFound` for an unknown datastore, `InvalidRequest` for a path that leads out of its place."""
        found = DATASTORE.fullmatch(reference)
        if found:
            return self.in_datastore(self.definition(found["name"]), found["path"] or "")
        if reference.startswith("azureml:"):
            raise InvalidRequest(
                f"{reference!r} is not `azureml://datastores/<name>/paths/<path>`", code="InvalidReference"
            )
        return self.locate(reference)

    def definition(self, name: str) -> Mapping[str, Any]:
        if name not in self.datastores:
            raise NotFound(f"there is no datastore {name!r}", code="DatastoreNotFound", hint="zaffre datastore list")
        return {"name": name, **self.datastores[name]}

    def locate(self, url: str) -> Location:
        """A URL or local path, rewritten if there is a rule for it."""
        return self.rewritten(url) or self.direct(url)

    def open(self, location: Location) -> tuple[Any, str]:
        """The fsspec file system of a location and the path in it, with the credentials of its datastore."""
        guard = OpenGuard() if location.trusted else self.guard
        return open_filesystem(str(location.local or location.url), location.credentials, guard)

    def in_datastore(self, definition: Mapping[str, Any], path: str) -> Location:
        """A path in a datastore, given its definition with credentials."""
        name = str(definition.get("name", ""))
        shown = f"azureml://datastores/{name}/paths/{path}"
        inner = confined(path, shown)
        kind = str(definition.get("type", "")).lower()
        if kind in ("local_folder", "local"):
            local = below(Path(definition["path"]).expanduser(), inner, shown)
            return Location(local.as_uri(), local=local)
        url = root_url(name, kind, definition)
        if kind != "s3":  # S3 keys are taken as they are; in the others '#' and '?' would end the path
            inner = quote(inner, safe="/%" if kind == "http" else "/")
        location = self.rewritten(f"{url}/{inner}") or Location(f"{url}/{inner}")
        return replace(location, credentials=credentials_of(definition))

    def rewritten(self, url: str) -> Location | None:
        """Where the first fitting rewrite leads, or None."""
        place = azure(url) if "://" in url else None
        for prefix, target in self.rewrites:
            for form in [url, *(place.forms() if place else ())]:
                rest = behind(prefix, form)
                if rest is not None:
                    return self.rewrite(url, target, rest)
        return None

    def rewrite(self, url: str, target: str, rest: str) -> Location:
        inner = confined(rest, hide(url))
        if "://" not in target or target.startswith("file://"):
            folder = Path(unquote(target.removeprefix("file://")))
            local = below(folder, unquote(inner.partition("?")[0]), hide(url))
            note = f"{hide(url)} is read from {local.as_uri()} (url rewrite)"
            return Location(local.as_uri(), local=local, note=note, trusted=True)
        moved = f"{target.rstrip('/')}/{inner}" if inner else target
        return Location(moved, note=f"{hide(url)} is read from {hide(moved)} (url rewrite)", trusted=True)

    def direct(self, reference: str) -> Location:
        scheme = split(reference).scheme.lower() if "://" in reference else ""
        if scheme not in ("", "file"):
            confined(reference.partition("://")[2].partition("?")[0], hide(reference))
            return Location(reference)
        if not self.local_paths:
            raise Forbidden(f"{reference!r}: files of the server are read through datastores only", code="LocalPath")
        text = unquote(split(reference).path) if scheme else reference
        if scheme and split(reference).netloc not in ("", "localhost"):
            raise InvalidRequest(f"{reference!r} names another machine; write file:///path")
        if "\0" in text:
            raise InvalidRequest("a path holds a NUL byte", code="InvalidPath")
        local = Path(text).expanduser().absolute()
        return Location(local.as_uri(), local=local)


def root_url(name: str, kind: str, definition: Mapping[str, Any]) -> str:
    """Raises `InvalidRequest` naming a missing field or a type that is not offered."""

    def field(key: str) -> str:
        if not definition.get(key):
            raise InvalidRequest(f"the datastore {name!r} of type {kind} has no {key!r}", code="InvalidDatastore")
        return str(definition[key])

    suffix = str(definition.get("endpoint") or "core.windows.net")
    if "://" in suffix and kind in AZURE_KINDS:
        return f"{suffix.rstrip('/')}/{field('container_name' if kind == 'azure_blob' else 'filesystem')}"
    if kind == "azure_blob":
        return f"https://{field('account_name')}.blob.{suffix}/{field('container_name')}"
    if kind == "azure_data_lake_gen2":
        return f"abfss://{field('filesystem')}@{field('account_name')}.dfs.{suffix}"
    if kind == "s3":
        return f"s3://{field('bucket')}/{definition.get('prefix') or ''}".rstrip("/")
    if kind == "http":
        return field("url").rstrip("/")
    raise InvalidRequest(
        f"the datastore {name!r} has the type {kind!r}, which is not offered",
        code="InvalidDatastore",
        hint="use local_folder, azure_blob, azure_data_lake_gen2, s3 or http",
    )


def credentials_of(definition: Mapping[str, Any]) -> dict[str, Any]:
    """What opens a datastore. Without credentials the identity of this machine is tried, if it has one."""
    given = {key: value for key, value in (definition.get("credentials") or {}).items() if value}
    if definition.get("type") == "s3":
        endpoint = definition.get("endpoint") or definition.get("endpoint_url")
        given.update(
            {key: value for key, value in (("endpoint_url", endpoint), ("region", definition.get("region"))) if value}
        )
    elif "://" in str(definition.get("endpoint") or "") and definition.get("type") in AZURE_KINDS:
        given["blob_endpoint"] = str(definition["endpoint"]).rstrip("/")
        given["account_name"] = definition.get("account_name")
    elif not given and any(name in os.environ for name in MACHINE_IDENTITY):
        given["type"] = "identity"
    return given


def behind(prefix: str, url: str) -> str | None:
    """What follows the prefix; None if it is another place (`https://x/data` is no prefix of `https://x/database`)."""
    head = url[: len(prefix)]
    if head != prefix and head.lower() != prefix.lower():
        return None
    authority = len(prefix.partition("://")[0]) + 3 + len(prefix.partition("://")[2].partition("/")[0])
    if head[authority:] != prefix[authority:]:  # only scheme and host are without case
        return None
    rest = url[len(prefix) :]
    if rest and not prefix.endswith("/") and rest[0] not in "/?":
        return None
    return rest
