"""Take in content from clients that cannot reach our folder."""

from __future__ import annotations

from collections.abc import Iterator

from zaffre.core.manifest import Entry
from zaffre.services.context import Context
from zaffre.wire.content import AskMissing, Missing, PutTree, Tree, Upload, Uploaded


def missing(ctx: Context, request: AskMissing) -> Missing:
    return Missing(hashes=sorted(ctx.content.missing(request.hashes)))


def upload(ctx: Context, _request: Upload, chunks: Iterator[bytes]) -> Uploaded:
    """Raises `InvalidRequest` for content that is not what its hash says; nothing of a broken stream stays."""
    return Uploaded(objects=len(ctx.content.receive(chunks)))


def put_tree(ctx: Context, request: PutTree) -> Tree:
    """Raises `InvalidRequest` naming a path that leads out or an object that is missing."""
    entries = [Entry(item.path, item.size, item.hash, item.executable) for item in request.entries]
    manifest = ctx.content.put_manifest(entries)
    return Tree(root=manifest.root, files=len(manifest.entries), size=manifest.size)
