"""The code of runs beside that of a baseline: which files differ, and how."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from zaffre.base.errors import ZaffreError
from zaffre.core.manifest import Entry, Manifest
from zaffre.core.manifest_diff import diff
from zaffre.services import places
from zaffre.services.context import Context
from zaffre.store.jobs import JobRecord
from zaffre.wire.runs import CodeChange, CodeDiff

TREES = 10  # so many different code trees are compared file by file in one request
FILES = 500  # of one tree
FILE_BYTES = 256 * 1024  # larger ones, and those of more lines, are compared as a whole
FILE_LINES = 5000
DIFF_CHARACTERS = 2_000_000  # of one request


def code_diffs(
    ctx: Context, workspace: str, names: Sequence[str], jobs: Sequence[JobRecord], base: int
) -> list[CodeDiff]:
    """Of every run but the baseline. Runs of one code tree share the work."""
    room = _Room()
    places_of = [_code(job) for job in jobs]
    before = _tree(ctx, workspace, places_of[base])
    made: dict[str | None, tuple[bool, bool, list[CodeChange], bool]] = {}
    found = []
    for number, (name, job, place) in enumerate(zip(names, jobs, places_of, strict=True)):
        if number == base:
            continue
        if place not in made:
            made[place] = _compared(ctx, workspace, before, places_of[base], place, room, len(made))
        known, same, files, cut = made[place]
        commit = ((job.facts or {}).get("git") or {}).get("commit")
        found.append(CodeDiff(run=name, known=known, same=same, commit=commit, files=files, cut=cut))
    return found


def _code(job: JobRecord) -> str | None:
    code: Any = (job.facts or {}).get("code") or (job.plan or {}).get("code")
    return str(code) if code else None


def _tree(ctx: Context, workspace: str, place: str | None) -> Manifest | None:
    """None where the job has no code, or it is not stored any more."""
    if not place:
        return None
    try:
        return places.listing(ctx, workspace, place if "://" in place else f"content://{place}")
    except ZaffreError:
        return None


def _compared(
    ctx: Context, workspace: str, before: Manifest | None, base: str | None, place: str | None, room: _Room, number: int
) -> tuple[bool, bool, list[CodeChange], bool]:
    if place == base:
        return place is not None, True, [], False
    after = _tree(ctx, workspace, place)
    if before is None or after is None:
        return False, False, [], False
    found = diff(before, after)
    read = number < TREES
    changes = [_change(ctx, "added", None, entry, room, read) for entry in found.added]
    changes += [_change(ctx, "removed", entry, None, room, read) for entry in found.removed]
    changes += [_change(ctx, "changed", pair.before, pair.after, room, read) for pair in found.changed]
    changes += [_change(ctx, "renamed", pair.before, pair.after, room, read) for pair in found.renamed]
    changes.sort(key=lambda change: change.path)
    return True, found.same, changes[:FILES], len(changes) > FILES


class _Room:
    """What is left of the text that one answer may have."""

    left = DIFF_CHARACTERS


def _change(ctx: Context, kind: Any, before: Entry | None, after: Entry | None, room: _Room, read: bool) -> CodeChange:
    entry = after or before
    assert entry is not None
    change = CodeChange(
        path=entry.path,
        change=kind,
        size=after.size if after else None,
        former_size=before.size if before else None,
        former_path=before.path if before and before.path != entry.path else None,
    )
    if kind == "renamed":
        return change
    if before and after and before.hash == after.hash:
        return change.model_copy(update={"note": "only its mode changed"})
    return change.model_copy(update=_difference(ctx, before, after, room) if read else {"note": "compare fewer runs"})


def _difference(ctx: Context, before: Entry | None, after: Entry | None, room: _Room) -> Mapping[str, str]:
    if room.left <= 0:
        return {"note": "compare fewer runs to see it"}
    try:
        old, new = _lines(ctx, before), _lines(ctx, after)
    except UnicodeDecodeError:
        return {"note": "no text"}
    except ZaffreError:
        return {"note": "not stored any more"}
    if old is None or new is None:
        return {"note": "too large to be shown"}
    names = (f"a/{before.path}" if before else "/dev/null", f"b/{after.path}" if after else "/dev/null")
    text = "\n".join(difflib.unified_diff(old, new, *names, lineterm=""))
    room.left -= len(text)
    return {"diff": text}


def _lines(ctx: Context, entry: Entry | None) -> list[str] | None:
    """None for a file that is too large."""
    if entry is None:
        return []
    if entry.size > FILE_BYTES:
        return None
    with ctx.content.open(entry.hash) as file:
        content = file.read()
    if b"\0" in content:
        raise UnicodeDecodeError("utf-8", content[:1], 0, 1, "holds NUL")
    lines = content.decode().splitlines()
    return lines if len(lines) <= FILE_LINES else None
