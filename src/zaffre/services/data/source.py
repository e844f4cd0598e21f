"""Whether the files behind a version are still what they were, and which of them are not."""

from __future__ import annotations

from zaffre.base.errors import NotFound, ZaffreError
from zaffre.core.manifest import Manifest, parse, render
from zaffre.core.manifest_diff import diff
from zaffre.ports.content import Entry
from zaffre.services import places
from zaffre.services.context import Context

NAMED = 10  # files that a message names


def keep(ctx: Context, files: Manifest) -> None:
    """Remember the names, sizes and hashes of files that are not stored, so that changes of them can be named."""
    form = render(files.entries)
    ctx.content.receive(iter([bytes.fromhex(files.root) + len(form).to_bytes(8, "big") + form]))


def kept(ctx: Context, fingerprint: str) -> Manifest | None:
    """What `keep` remembered."""
    if len(fingerprint) != 64:
        return None
    try:
        with ctx.content.open(fingerprint) as file:
            return parse(file.read())
    except ZaffreError:
        return None


def changes(ctx: Context, workspace: str, uri: str, fingerprint: str) -> list[str]:
    """A sentence for each thing that is not as it was when the fingerprint was taken; none if all is."""
    try:
        now = places.listing(ctx, workspace, uri)
        state = now.root if now is not None else places.identity(ctx, workspace, uri)
    except NotFound:
        return [f"{uri} is gone"]
    if state == fingerprint:
        return []
    before = kept(ctx, fingerprint)
    if now is None or before is None:
        return [f"{uri} has other content than before"]
    return sentences(before, now)


def sentences(before: Manifest, now: Manifest) -> list[str]:
    """A sentence for each file that differs."""
    found = diff(before, now)
    said = [f"{pair.after.path} was changed{_sizes(pair.before, pair.after)}" for pair in found.changed]
    said += [f"{entry.path} is gone" for entry in found.removed]
    said += [f"{entry.path} is new" for entry in found.added]
    said += [f"{pair.before.path} was renamed to {pair.after.path}" for pair in found.renamed]
    return said


def in_words(found: list[str]) -> str:
    more = f"; and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return "; ".join(found[:NAMED]) + more


def _sizes(before: Entry, after: Entry) -> str:
    return "" if before.size == after.size else f" ({before.size} -> {after.size} bytes)"
