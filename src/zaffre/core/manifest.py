"""The manifest of a tree (folder): which files it has, and the one hash that stands for all of them.

Canonical form, version 1 (bytes): the line `zaffre-tree 1`, a newline, then for each file, in the order of the UTF-8
bytes of the paths, `<BLAKE3 of the content, 64 hex digits> <- or x> <size, decimal> <path>` and one NUL byte.
The root is the BLAKE3 of these bytes. A path cannot contain NUL, so two trees never share a form. Of a file's mode
only the executable bit counts, of its times nothing; folders without files do not exist in a tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from blake3 import blake3

from zaffre.base.errors import Fault, InvalidRequest

MAGIC = b"zaffre-tree 1\n"
HASH = re.compile(r"[0-9a-f]{64}")
PATH_BYTES = 4096  # as Linux
NAME_BYTES = 255  # a longer part of a path fits on no common file system
FAULTS_SHOWN = 20
SUSPICIOUS = re.compile(r"[\\\0]|//|^/|/$|(^|/)\.\.?(/|$)")


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a tree: path relative with `/`, bytes, BLAKE3 of the content, whether it is executable."""

    path: str
    size: int
    hash: str
    executable: bool = False


@dataclass(frozen=True)
class Manifest:
    """A tree. `entries` are sorted by path; `root` is the BLAKE3 of the canonical form of the entries."""

    root: str
    entries: Sequence[Entry]

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(entry.size for entry in self.entries)


def make(entries: Iterable[Entry], *, checked: bool = False) -> tuple[Manifest, bytes]:
    """The manifest of these files and its canonical form. Raises `InvalidRequest` naming each bad or double path.

    `checked`: the entries were found in a real folder, each by a name that `wrong_path` accepts.
    """
    ordered = sorted(entries, key=attrgetter("path"))
    if not checked:
        check(ordered)
    form = render(ordered)
    return Manifest(blake3(form).hexdigest(), ordered), form


def below(tree: Manifest, path: str) -> Manifest | None:
    """The tree that one file, or the files of one folder, of a tree are; None if there is no such path."""
    path = path.strip("/")
    for entry in tree.entries:
        if entry.path == path:
            return make([Entry(path.rpartition("/")[2], entry.size, entry.hash, entry.executable)])[0]
    inner = [
        Entry(entry.path[len(path) + 1 :], entry.size, entry.hash, entry.executable)
        for entry in tree.entries
        if entry.path.startswith(path + "/")
    ]
    return make(inner)[0] if inner else None


def render(ordered: Sequence[Entry]) -> bytes:
    """The canonical form of checked and sorted entries (code points sort as their UTF-8 bytes do)."""
    lines = [f"{entry.hash} {'x' if entry.executable else '-'} {entry.size} {entry.path}\0" for entry in ordered]
    return MAGIC + "".join(lines).encode()


def parse(form: bytes) -> Manifest:
    """Read a canonical form back. Raises `InvalidRequest` if it is not one, or if a path in it is not confined."""
    if not form.startswith(MAGIC) or (len(form) > len(MAGIC) and not form.endswith(b"\0")):
        raise InvalidRequest("not a manifest of a tree")
    entries: list[Entry] = []
    try:
        for line in form[len(MAGIC) :].decode().split("\0")[:-1]:
            hash_, mode, size, path = line.split(" ", 3)
            entries.append(Entry(path, int(size), hash_, mode == "x"))
    except ValueError as error:
        raise InvalidRequest("not a manifest of a tree") from error
    check(entries)
    if render(entries) != form:
        raise InvalidRequest("a manifest of a tree that is not in its canonical form")
    return Manifest(blake3(form).hexdigest(), entries)


def check(ordered: Sequence[Entry]) -> None:
    """Raises `InvalidRequest` unless every path is confined and names one file only. `ordered` is sorted by path."""
    faults: list[Fault] = []
    files = {entry.path for entry in ordered}
    folders: set[str] = set()
    previous: str | None = None
    for entry in ordered:
        reason = wrong_path(entry.path) or wrong_content(entry)
        if reason is None and previous is not None and entry.path <= previous:
            reason = "is there twice" if entry.path == previous else "is out of order"
        if reason is None:
            parent = entry.path.rpartition("/")[0]
            while parent and parent not in folders:
                folders.add(parent)
                if parent in files:
                    reason = f"needs the folder {parent!r}, which is a file of the same tree"
                parent = parent.rpartition("/")[0]
        if reason is not None:
            faults.append(Fault(f"the path {entry.path!r} {reason}"))
            if len(faults) == FAULTS_SHOWN:
                break
        previous = entry.path
    if faults:
        raise InvalidRequest("; ".join(fault.message for fault in faults), code="InvalidPath", faults=faults)


def wrong_path(path: str) -> str | None:
    """Why a path cannot be part of a tree, or None: it would leave the folder, or other systems read it differently."""
    if not path:
        return "is empty"
    if SUSPICIOUS.search(path):
        return "is not a plain relative path (no '..', '.', '\\', NUL, empty part or leading '/')"
    try:
        encoded = path.encode()
    except UnicodeEncodeError:
        return "is not UTF-8"
    if len(encoded) > NAME_BYTES:
        if len(encoded) > PATH_BYTES:
            return f"is longer than {PATH_BYTES} bytes"
        if any(len(part) > NAME_BYTES for part in encoded.split(b"/")):
            return f"has a part longer than {NAME_BYTES} bytes"
    return None


def wrong_content(entry: Entry) -> str | None:
    if not HASH.fullmatch(entry.hash):
        return "has no BLAKE3 hash of 64 lower-case hex digits"
    if entry.size < 0:
        return "has a negative size"
    return None
