"""What the files of a model are, wherever they are kept; read as data, never opened as a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

from zaffre.core.manifest import Manifest
from zaffre.core.model_format import Found, recognise
from zaffre.services import places
from zaffre.services.context import Context
from zaffre.store.assets import AssetRecord


def recognise_record(ctx: Context, record: AssetRecord) -> Found | None:
    """None for an unknown format, and for files that are not on this machine."""
    return recognise_at(ctx, record.workspace, str(record.uri))


def recognise_at(ctx: Context, workspace: str, uri: str) -> Found | None:
    """The same of an address. Raises `NotFound`."""
    tree = places.listing(ctx, workspace, uri)
    if tree is None:
        return None
    if uri.startswith("content://"):
        return of_stored(ctx, tree)
    folder = places.locate(ctx, workspace, uri).local
    return of_folder(tree, folder) if folder else None


def of_stored(ctx: Context, tree: Manifest) -> Found | None:
    hashes = {entry.path: entry.hash for entry in tree.entries}
    return recognise({entry.path: entry.size for entry in tree.entries}, lambda path: ctx.content.open(hashes[path]))


def of_folder(tree: Manifest, place: Path) -> Found | None:
    def opening(path: str) -> BinaryIO:
        return open(place / path if place.is_dir() else place, "rb")

    return recognise({entry.path: entry.size for entry in tree.entries}, opening)


def facts(found: Found | None) -> dict[str, Any]:
    """What of it is kept with a version."""
    if found is None or found.format == "mlflow":
        return {}
    said = {"format": found.format, "flavors": found.flavors, "signature": found.signature, "notes": found.notes}
    return {key: value for key, value in said.items() if value}
