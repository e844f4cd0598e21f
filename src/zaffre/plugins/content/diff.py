"""What changed between two versions of data: files by their manifests, rows and columns by reading the tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

from zaffre.base.errors import InvalidRequest, NotFound, Unavailable
from zaffre.core.manifest import Entry, Manifest
from zaffre.core.manifest_diff import diff
from zaffre.plugins.content.tables import Shape, diff_tables, is_tabular, shape
from zaffre.wire.data import FileChange

Open = Callable[[Entry], BinaryIO | None]  # None: the bytes are not there any more


def compare(before: Manifest, open_before: Open, after: Manifest, open_after: Open) -> list[FileChange]:
    """Each file that was added, removed, changed or renamed, sorted by path.

    Only tables that were changed, added or removed are read; one that cannot be read as a table has no rows and
    columns.
    """
    found = diff(before, after)
    changes = [
        FileChange(path=entry.path, change="added", size=entry.size, rows=rows(table(open_after, entry)))
        for entry in found.added
    ]
    changes += [
        FileChange(
            path=entry.path, change="removed", former_size=entry.size, former_rows=rows(table(open_before, entry))
        )
        for entry in found.removed
    ]
    changes += [
        FileChange(
            path=pair.after.path,
            change="renamed",
            size=pair.after.size,
            former_path=pair.before.path,
            former_size=pair.before.size,
        )
        for pair in found.renamed
    ]
    changes += [
        changed(pair.before, table(open_before, pair.before), pair.after, table(open_after, pair.after))
        for pair in found.changed
    ]
    return sorted(changes, key=lambda change: change.path)


def changed(before: Entry, was: Shape | None, after: Entry, now: Shape | None) -> FileChange:
    change = FileChange(
        path=after.path,
        change="changed",
        size=after.size,
        former_size=before.size,
        rows=rows(now),
        former_rows=rows(was),
    )
    if was is None or now is None:
        return change
    difference = diff_tables(was, now)
    types = [f"{name}: {old} -> {new}" for name, (old, new) in difference.retyped.items()]
    return change.model_copy(
        update={
            "columns_added": list(difference.added),
            "columns_removed": list(difference.removed),
            "columns_retyped": types,
        }
    )


def table(open_: Open, entry: Entry) -> Shape | None:
    """The shape of a table; None for what is none."""
    if not is_tabular(entry.path):
        return None
    try:
        file = open_(entry)
        if file is None:
            return None
        with file:
            return shape(entry.path, file)
    except (OSError, InvalidRequest, NotFound, Unavailable):
        return None


def rows(found: Shape | None) -> int | None:
    return None if found is None else found.rows
