"""Data outside of this machine: what ports/content.py calls `RemoteSources`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zaffre.plugins.datastores import fetch, survey, upload
from zaffre.plugins.datastores.guard import Guard, OpenGuard
from zaffre.plugins.datastores.resolver import Resolver
from zaffre.ports.content import Location


class Remote:
    """`rewrites` maps a prefix of URLs to `file:///folder` or another URL; the longest prefix wins.

    Addresses of this machine and of private networks are refused unless `allow_private_addresses`, or unless a rewrite
    leads there. `local_paths` lets `locate` take paths of this machine.
    """

    def __init__(
        self,
        rewrites: Mapping[str, str] | None = None,
        *,
        allow_private_addresses: bool = False,
        local_paths: bool = True,
    ) -> None:
        guard = OpenGuard() if allow_private_addresses else Guard()
        self._resolver = Resolver(rewrites=rewrites, guard=guard, local_paths=local_paths)

    def in_datastore(self, datastore: Mapping[str, Any], path: str) -> Location:
        """A path in a datastore, given its definition with credentials. Raises `InvalidRequest`."""
        return self._resolver.in_datastore(datastore, path)

    def locate(self, url: str) -> Location:
        """An address as the user wrote it, rewritten if there is a rule for it. Raises `InvalidRequest`."""
        return self._resolver.resolve(url)

    def fingerprint(self, place: Location) -> str:
        """Quick identity of what is there: names, sizes, ETags. Raises `NotFound`, `Unavailable`, `Forbidden`."""
        return fetch.fingerprint(place, self._resolver)

    def survey(self, place: Location) -> survey.Survey:
        """The listing behind the fingerprint; `survey.changed(before, now)` names what changed."""
        return survey.survey(place, self._resolver)

    def fetch(self, place: Location, cache: Path, progress: fetch.Progress | None = None) -> Path:
        """A local copy, made once per fingerprint, whole or not at all. Raises as `fingerprint`, and `Conflict`."""
        return fetch.fetch(place, cache, self._resolver, progress)

    def forget_unused(self, cache: Path, before_s: float, *, dry_run: bool) -> int:
        """Remove the copies that nobody fetched since that moment (seconds since 1970): the bytes that they take."""
        return fetch.forget_unused(cache, before_s, dry_run=dry_run)

    def writable(self, place: Location) -> bool:
        """False for the web: it can only be read."""
        return upload.is_writable(place)

    def upload(self, folder: Path, place: Location) -> None:
        """Write a folder or file there; each file is whole or absent. Raises `InvalidRequest` for HTTP."""
        upload.upload(folder, place, self._resolver)
