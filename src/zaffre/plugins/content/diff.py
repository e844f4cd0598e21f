"""What changed between two versions of data: files by their manifests, rows and columns by reading the tables."""

from __future__ import annotations

from pathlib import Path

from zaffre.base.errors import InvalidRequest, Unavailable
from zaffre.core.manifest import Entry, Manifest
from zaffre.core.manifest_diff import diff
from zaffre.plugins.content.tables import Shape, diff_tables, is_tabular, shape
from zaffre.wire.data import FileChange


def compare(before: Manifest, before_at: Path, after: Manifest, after_at: Path) -> list[FileChange]:
    """Each file that was added, removed, changed or renamed, sorted by path.

    `before_at` and `after_at` are where the files are: the folder, or the one file. Only tables that were changed,
    added or removed are read; one that cannot be read as a table has no rows and columns.
    """
    found = diff(before, after)
    changes = [
        FileChange(path=entry.path, change="added", size=entry.size, rows=rows(table(after_at, entry)))
        for entry in found.added
    ]
    changes += [
        FileChange(path=entry.path, change="removed", former_size=entry.size, former_rows=rows(table(before_at, entry)))
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
        changed(pair.before, table(before_at, pair.before), pair.after, table(after_at, pair.after))
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


def table(at: Path, entry: Entry) -> Shape | None:
    """The shape of a table; None for what is none. `at` may be the file itself."""
    if not is_tabular(entry.path):
        return None
    try:
        with open(at if at.is_file() else at / entry.path, "rb") as file:
            return shape(entry.path, file)
    except (OSError, InvalidRequest, Unavailable):
        return None


def rows(found: Shape | None) -> int | None:
    return None if found is None else found.rows
