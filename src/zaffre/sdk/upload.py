"""Bring local files to the server: only content that it lacks is moved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from zaffre.base import errors
from zaffre.base.home import Home, default_home
from zaffre.plugins.content.store import FileContentStore
from zaffre.ports.content import Entry, Manifest
from zaffre.sdk.transport import Transport
from zaffre.wire import content as wire

ASK_AT_ONCE = 50_000  # hashes per question
PIECE_BYTES = 1 << 20


class Uploader:
    """One per submission: each distinct folder is scanned once.

    With `content`, the server's own content store on this machine, nothing travels over HTTP.
    """

    def __init__(self, transport: Transport, workspace: str, content: Path | None) -> None:
        self._transport, self._workspace, self._content = transport, workspace, content
        # Without a store of the server here, the one of the own home serves as memory of what was hashed before.
        self._store = FileContentStore(content or Home(default_home()).content)
        self._known: dict[tuple[Path, bool], Manifest] = {}

    def address(self, path: Path, *, ignore_files: bool, as_folder: bool = False) -> str:
        """`content://<root>` of a folder, `content://<root>/<name>` of a file, after sending what is missing.

        `ignore_files`: leave out what `.amlignore` (else `.gitignore`) names. `as_folder`: a file is a folder that
        holds it. Raises `InvalidRequest` naming a path that is not there.
        """
        manifest = self._sent(path, ignore_files)
        inside = path.is_file() and not as_folder
        return f"content://{manifest.root}/{path.name}" if inside else f"content://{manifest.root}"

    def merged(self, code: Path | None, includes: Sequence[Path], *, ignore_files: bool = True) -> str:
        """`content://<root>` of the code with other files and folders beside it, under their own names.

        Raises `InvalidRequest` for a name that would stand twice.
        """
        entries = {entry.path: entry for entry in (self._sent(code, True).entries if code else ())}
        tops = {path.partition("/")[0] for path in entries}
        for include in includes:
            if include.name in tops:
                raise errors.InvalidRequest(f"additional_includes: the code has a `{include.name}` already ({include})")
            tops.add(include.name)
            for entry in self._sent(include, ignore_files).entries:
                name = entry.path if include.is_file() else f"{include.name}/{entry.path}"
                entries[name] = replace(entry, path=name)
        return f"content://{self._tree([entries[path] for path in sorted(entries)])}"

    def _sent(self, path: Path, ignore_files: bool) -> Manifest:
        key = (path, ignore_files)
        if key not in self._known:
            if not path.exists():
                raise errors.InvalidRequest(f"there is no file or folder {path}", code="MissingFile")
            self._known[key] = self._take(path, ignore_files)
        return self._known[key]

    def _take(self, path: Path, ignore_files: bool) -> Manifest:
        if self._content is not None:
            return self._store.add(path, ignore_files=ignore_files).manifest
        manifest = self._store.scan(path, ignore_files=ignore_files)
        missing = self._missing(manifest)
        if missing:
            self._transport.stream_up(wire.UPLOAD, wire.Upload(workspace=self._workspace), _frames(path, missing))
        root = self._tree(manifest.entries)
        assert root == manifest.root, "client and server disagree about the root of a tree"
        return manifest

    def _missing(self, manifest: Manifest) -> Sequence[Entry]:
        by_hash = {entry.hash: entry for entry in manifest.entries}
        hashes = list(by_hash)
        absent: list[str] = []
        for start in range(0, len(hashes), ASK_AT_ONCE):
            request = wire.AskMissing(workspace=self._workspace, hashes=hashes[start : start + ASK_AT_ONCE])
            absent += self._transport.call(wire.MISSING, request).hashes
        return [by_hash[hash] for hash in absent]

    def _tree(self, entries: Sequence[Entry]) -> str:
        if self._content is not None:
            return self._store.put_manifest(entries).root
        listed = [
            wire.TreeEntry(path=entry.path, size=entry.size, hash=entry.hash, executable=entry.executable)
            for entry in entries
        ]
        return self._transport.call(wire.PUT_TREE, wire.PutTree(workspace=self._workspace, entries=listed)).root


def _frames(path: Path, entries: Sequence[Entry]) -> Iterator[bytes]:
    """32 bytes BLAKE3, 8 bytes big-endian size, content; small files share a piece."""
    piece = bytearray()
    for entry in entries:
        file = path if path.is_file() else path / entry.path
        piece += bytes.fromhex(entry.hash) + entry.size.to_bytes(8, "big")
        left = entry.size
        with open(file, "rb") as source:
            while left:
                block = source.read(min(left, PIECE_BYTES))
                if not block:
                    break
                left -= len(block)
                piece += block
                if len(piece) >= PIECE_BYTES:
                    yield bytes(piece)
                    piece.clear()
        if left:
            raise errors.Conflict(f"{file} became shorter while it was sent", hint="try again when nobody writes to it")
    if piece:
        yield bytes(piece)
