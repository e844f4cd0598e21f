"""What the files of a model on this machine are, and what their pickles name; nothing of them is run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, BinaryIO

from zaffre.base.errors import InvalidRequest
from zaffre.core.model_format import recognise
from zaffre.runtime.scan_pickle import scan


def inspect_model(path: str | Path) -> dict[str, Any]:
    """`format`, `flavors`, `signature`, and for each pickle the names in it. Raises `InvalidRequest`."""
    place = Path(path).expanduser()
    if not place.exists():
        raise InvalidRequest(f"there is no file or folder {place}", code="MissingFile")
    files = {place.name: place} if place.is_file() else _below(place)

    def opening(name: str) -> BinaryIO:
        return open(files[name], "rb")

    found = recognise({name: file.stat().st_size for name, file in files.items()}, opening)
    if found is None:
        return {"path": str(place), "format": "unknown"}
    shown: dict[str, Any] = {"path": str(place), "format": found.format, "flavors": found.flavors,
                             "signature": found.signature, "notes": found.notes, "safe": not found.pickles}  # fmt: skip
    if found.pickles:
        shown["pickles"] = [{"file": name, **scan(str(files[name]))} for name in found.pickles]
    return shown


def _below(place: Path) -> dict[str, Path]:
    """Regular files only: a link may lead anywhere."""
    found = {}
    for folder, _, names in os.walk(place):
        for name in sorted(names):
            file = Path(folder) / name
            if file.is_file() and not file.is_symlink():
                found[file.relative_to(place).as_posix()] = file
    return found
