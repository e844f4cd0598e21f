"""Everything outside of this machine behind one port: cloud stores and the web, through URL rewriting."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zaffre.plugins.datastores import fetch as fetching
from zaffre.plugins.datastores import upload as uploading
from zaffre.plugins.datastores.guard import Guard, OpenGuard
from zaffre.plugins.datastores.resolver import Resolver
from zaffre.ports.content import Location


class Remote:
    """Remembers the datastores it was asked about, since a `Location` names the one whose credentials it needs."""

    def __init__(self, rewrites: Mapping[str, str], *, allow_private_addresses: bool) -> None:
        self._datastores: dict[str, Mapping[str, Any]] = {}
        guard = OpenGuard() if allow_private_addresses else Guard()
        self._resolver = Resolver(self._datastores, rewrites, guard=guard)

    def in_datastore(self, datastore: Mapping[str, Any], path: str) -> Location:
        self._datastores[datastore["name"]] = datastore
        return self._resolver.in_datastore(datastore["name"], path)

    def locate(self, url: str) -> Location:
        return self._resolver.resolve(url)

    def fingerprint(self, place: Location) -> str:
        return fetching.fingerprint(place, self._resolver)

    def fetch(self, place: Location, cache: Path) -> Path:
        return fetching.fetch(place, cache, self._resolver)

    def upload(self, folder: Path, place: Location) -> None:
        uploading.upload(folder, place, self._resolver)
