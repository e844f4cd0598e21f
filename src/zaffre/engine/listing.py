"""Folders of inputs are listed by name, as a blob store lists them; see docs/decisions/0007-sorted-listing.md."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from zaffre.runtime import sorted_listing

MODULE = "_zaffre_listing"


def folders(inputs: Mapping[str, str | None], plan: Mapping[str, Mapping[str, object]]) -> list[str]:
    """The inputs of a step that are folders."""
    return [path for port, path in inputs.items() if path and "uri" in plan[port] and os.path.isdir(path)]


def by_name(layer: Path, places: Sequence[str]) -> dict[str, str]:
    """Make every Python of the step's layer list these folders by name; returns the variable that names them."""
    for packages in layer.glob("lib/python*/site-packages"):
        os.symlink(sorted_listing.__file__, packages / f"{MODULE}.py")
        (packages / f"{MODULE}.pth").write_text(f"import {MODULE}; {MODULE}.install()\n")
    return {sorted_listing.VARIABLE: os.pathsep.join(places)}
