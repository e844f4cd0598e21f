"""What changed between two trees: added, removed, changed and renamed files, with their sizes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from zaffre.core.manifest import Entry, Manifest


@dataclass(frozen=True)
class Changed:
    """A file with other content, or other executable bit, at the same path."""

    before: Entry
    after: Entry


@dataclass(frozen=True)
class ManifestDiff:
    """All sorted by (new) path. A rename is the same content at another path; a copy is an added file."""

    added: tuple[Entry, ...]
    removed: tuple[Entry, ...]
    changed: tuple[Changed, ...]
    renamed: tuple[Changed, ...]
    bytes_before: int
    bytes_after: int

    @property
    def same(self) -> bool:
        return not (self.added or self.removed or self.changed or self.renamed)


def diff(before: Manifest, after: Manifest) -> ManifestDiff:
    """Renames are paired by content, those with the same file name first; empty files are never renames."""
    old = {entry.path: entry for entry in before.entries}
    new = {entry.path: entry for entry in after.entries}
    changed = tuple(Changed(old[path], new[path]) for path in sorted(old.keys() & new.keys()) if old[path] != new[path])
    gone: dict[str, list[Entry]] = defaultdict(list)
    for path in sorted(old.keys() - new.keys()):
        gone[old[path].hash].append(old[path])
    renamed: list[Changed] = []
    added: list[Entry] = []
    for path in sorted(new.keys() - old.keys()):
        candidates = gone.get(new[path].hash) if new[path].size else None
        if candidates:
            name = path.rpartition("/")[2]
            match = next((entry for entry in candidates if entry.path.rpartition("/")[2] == name), candidates[0])
            candidates.remove(match)
            renamed.append(Changed(match, new[path]))
        else:
            added.append(new[path])
    removed = sorted((entry for entries in gone.values() for entry in entries), key=lambda entry: entry.path)
    return ManifestDiff(tuple(added), tuple(removed), changed, tuple(renamed), before.size, after.size)
