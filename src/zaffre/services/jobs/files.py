"""Files of a job: what it wrote, its outputs, its code. A reused step shows those of the job that really ran."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from zaffre.base.confine import Item, list_part, open_file, parts_of
from zaffre.base.errors import InvalidRequest, NotFound
from zaffre.core.manifest import Manifest
from zaffre.services import places
from zaffre.services.context import Context
from zaffre.services.jobs.log import source_of
from zaffre.store import jobs as store
from zaffre.wire.files import Area, FileItem, FileList, JobFiles, ReadFile

PIECE = 1 << 20


@dataclass(frozen=True)
class OpenFile:
    """A file to send; who sends it closes it. `render` asks for HTML as a page."""

    name: str
    size: int
    file: BinaryIO
    render: bool = False

    def __iter__(self) -> Iterator[bytes]:
        with self.file:
            while piece := self.file.read(PIECE):
                yield piece


def list_files(ctx: Context, request: JobFiles) -> FileList:
    """Raises `NotFound` for an unknown job or output. A folder that is not there is empty."""
    place = _place(ctx, request, request.area, request.output_name)
    parts = parts_of(request.path)
    if isinstance(place, Manifest):
        found = sorted(_of_tree(place, parts), key=lambda item: (not item.is_folder, item.name))
        start = _start(request.cursor)
        return _page(found[start : start + request.max_results], len(found), start)
    return list_place(place, parts, request.cursor, request.max_results)


def list_place(place: Path, parts: tuple[str, ...], cursor: str | None, limit: int) -> FileList:
    """A page of a folder; a file is a folder of one. Raises `InvalidRequest` for a cursor that is not ours."""
    start = _start(cursor)
    if place.is_file():
        return _page([Item(place.name, False, place.stat().st_size)][start:], 1, start)
    shown, total = list_part(place, parts, start, limit)
    return _page(shown, total, start, limit)


def _start(cursor: str | None) -> int:
    if cursor is not None and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 12):
        raise InvalidRequest("the cursor is not one of ours", code="BadCursor", hint="leave it out for the first page")
    return int(cursor or 0)


def _page(shown: list[Item], total: int, start: int, limit: int | None = None) -> FileList:
    end = start + (len(shown) if limit is None else limit)
    return FileList(
        items=[FileItem(name=item.name, is_folder=item.is_folder, size=item.size) for item in shown],
        total=total,
        cursor=str(end) if end < total else None,
    )


def read_file(ctx: Context, request: ReadFile) -> OpenFile:
    """Raises `NotFound`."""
    place = _place(ctx, request, request.area, request.output_name)
    parts = parts_of(request.path)
    name = parts[-1] if parts else ""
    if isinstance(place, Manifest):
        entry = next((entry for entry in place.entries if entry.path == "/".join(parts)), None)
        if entry is None:
            raise NotFound(f"no file {request.path[:200]} in the code", code="FileNotFound")
        return OpenFile(name, entry.size, ctx.content.open(entry.hash), request.render)
    root, inner = (place.parent, (place.name,)) if place.is_file() else (place, parts)
    file, size = open_file(root, inner)
    return OpenFile(name or place.name, size, file, request.render)


def _place(ctx: Context, request: JobFiles | ReadFile, area: Area, output: str | None) -> Path | Manifest:
    with ctx.db.read() as connection:
        job = source_of(ctx, store.get(connection, request.workspace, request.name))
    if area == "artifacts":
        return ctx.home.artifacts(job.workspace, job.name)
    if area == "code":
        root = (job.facts or {}).get("code")
        if not root:
            raise NotFound(f"job {job.name} has no code", code="CodeNotFound")
        return ctx.content.manifest(root)
    outputs = job.outputs or {}
    if output not in outputs:
        raise NotFound(
            f"job {job.name} has no output {output} (it has: {', '.join(outputs) or 'none'})", code="OutputNotFound"
        )
    return places.local_path(ctx, job.workspace, outputs[output]["uri"], [])


def _of_tree(tree: Manifest, parts: tuple[str, ...]) -> list[Item]:
    depth, found = len(parts), dict[str, Item]()
    for entry in tree.entries:
        path = tuple(entry.path.split("/"))
        if path[:depth] == parts and len(path) > depth:
            is_folder = len(path) > depth + 1
            found.setdefault(path[depth], Item(path[depth], is_folder, None if is_folder else entry.size))
    return list(found.values())
