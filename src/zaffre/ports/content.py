"""What everything above asks of the content store and of datastores.

Content is addressed by BLAKE3 (64 hex digits). A tree (folder) is an object too: its manifest, whose hash is the
tree's root. `content://<root>` is a tree, `content://<root>/<path>` a file in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from zaffre.core.manifest import Entry, Manifest

__all__ = ["Added", "Checked", "ContentStore", "Damage", "Entry", "GcReport", "Location", "Manifest", "RemoteSources"]


@dataclass(frozen=True)
class Added:
    """What taking in a tree cost: bytes that were new to the store, and how many objects they are.

    The manifest itself is not counted, so that a renamed folder costs nothing.
    """

    manifest: Manifest
    new_bytes: int
    new_files: int


@dataclass(frozen=True)
class Damage:
    """A stored object (`name` is its hash) that is not what was stored, or is gone; what is wrong with it."""

    name: str
    problem: str


@dataclass(frozen=True)
class Checked:
    """One object or tree was read: its bytes, and what was found to be wrong."""

    bytes: int
    damages: tuple[Damage, ...] = ()


@dataclass(frozen=True)
class GcReport:
    """What a collection freed (or, with `dry_run`, would free): dead objects and trees, and left-over files."""

    objects: int
    bytes: int
    trees: int
    leftover_bytes: int  # of killed processes
    dry_run: bool


class ContentStore(Protocol):
    def scan(self, path: Path, *, ignore_files: bool = True) -> Manifest:
        """Hash a folder (or one file: a tree with one entry) without storing it. Uses the stat cache.

        Honours `.amlignore`, else `.gitignore`, when `ignore_files`. A symlink that leads out of the folder is
        refused by name (SEC-04); one that stays inside is followed.
        """

    def add(self, path: Path, *, ignore_files: bool = True) -> Added:
        """Take in a folder or a file: only content that is missing is copied, all of it or nothing becomes visible.

        Raises `InvalidRequest` naming what cannot be taken, `Conflict` if a file is being written to, and
        `Unavailable` naming the store's folder if the disk is full.
        """

    def missing(self, hashes: Iterable[str]) -> set[str]:
        """Which of these the store lacks. Those it has are safe from `gc` for its grace period."""

    def receive(self, stream: Iterator[bytes]) -> list[str]:
        """Take in objects from a stream of frames (32-byte hash, 8-byte big-endian size, content); hashes are checked.

        Raises `InvalidRequest` for wrong content or a stream cut off; whole objects before that are kept.
        """

    def send(self, hashes: Sequence[str]) -> Iterator[bytes]:
        """The same frames, for `receive` on another machine."""

    def put_manifest(self, entries: Sequence[Entry]) -> Manifest:
        """Make a tree of objects that are all here. Raises `InvalidRequest` naming a missing object or bad path."""

    def manifest(self, root: str) -> Manifest:
        """Raises `NotFound`."""

    def open(self, hash: str) -> BinaryIO:
        """Raises `NotFound`."""

    def checkout(self, root: str, target: Path) -> None:
        """Write a private, writable copy of a tree into `target`, a new or empty folder (else `Conflict`)."""

    def shared(self, root: str) -> Path:
        """A read-only folder that holds the tree, made once and shared by every job that mounts it."""

    def scrub(self, *, forget: bool = False) -> Iterator[Damage]:
        """Read and hash everything that is stored; each damaged or missing object by name.

        With `forget` a damaged object counts as missing from then on, so that adding the original again mends it.
        """

    def scrub_steps(self, after: int = 0) -> Iterator[Checked]:
        """The same, one object or tree at a time, so that progress can be shown. A scrub that was cut off goes on
        `after` so many of them.
        """

    def trees_with(self, hashes: Collection[str]) -> dict[str, set[str]]:
        """For each of these objects the roots of the trees that hold it."""

    def gc(self, live_roots: Iterable[str], *, dry_run: bool, grace_s: float = ...) -> GcReport:
        """Remove what no tree of `live_roots` needs; what was stored or asked for in the last `grace_s` (a day) is
        spared.
        """

    def size(self) -> tuple[int, int]:
        """How many objects are stored, and their bytes together."""

    def settle(self) -> None:
        """What was added so far survives a power cut after this; before, large objects may be missing, never wrong."""

    def close(self) -> None:
        """Close what is open; the store can still be used, and opens it again."""


@dataclass(frozen=True)
class Location:
    """Where a reference leads, after datastores and URL rewriting: an fsspec URL or a local path.

    `local` is set when the bytes can be read in place on this machine. `note` says what was rewritten. `credentials`
    open the URL (never shown). `trusted` is set when a rewrite leads there: then a private address is meant, and is
    not refused.
    """

    url: str
    local: Path | None = None
    note: str | None = None
    credentials: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    trusted: bool = False


class RemoteSources(Protocol):
    """Data outside of this machine: cloud stores and the web, through URL rewriting."""

    def in_datastore(self, datastore: Mapping[str, Any], path: str) -> Location:
        """A path in a datastore, given its definition with credentials. `InvalidRequest` for a path that leads out."""

    def locate(self, url: str) -> Location:
        """An address as the user wrote it, rewritten if the server has a rule for it."""

    def fingerprint(self, place: Location) -> str:
        """Quick identity of what is there: names, sizes, ETags. Raises `NotFound`."""

    def fetch(self, place: Location, cache: Path) -> Path:
        """A local copy, made once per fingerprint, whole or not at all. Raises `NotFound`, `Unavailable`."""

    def writable(self, place: Location) -> bool:
        """Whether `upload` can write there at all; nothing is asked over the network."""

    def forget_unused(self, cache: Path, before_s: float, *, dry_run: bool) -> int:
        """Remove the copies that nobody fetched since that moment (seconds since 1970): the bytes that they take."""

    def upload(self, folder: Path, place: Location) -> None:
        """Write a folder or file there; each file is whole or absent."""
