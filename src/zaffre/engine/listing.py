"""Folders of inputs are listed by name, as a blob store lists them; see docs/decisions/0007-sorted-listing.md."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from zaffre.runtime import sorted_listing

MODULE = "_zaffre_listing"


def install(folder: Path) -> str:
    """Put the program where every Python of a job finds it, and may keep its bytecode; returns the line of a `.pth`
    file that calls it. The line costs microseconds for a job that names no folders."""
    source = Path(sorted_listing.__file__).read_bytes()
    place = folder / f"{MODULE}.py"
    if not place.is_file() or place.read_bytes() != source:
        folder.mkdir(parents=True, exist_ok=True)
        staged = place.with_suffix(f".{os.getpid()}")
        staged.write_bytes(source)
        staged.replace(place)
    code = f"sys.path.insert(0, {str(folder)!r}); import {MODULE}; del sys.path[0]; {MODULE}.install()"
    return f"import os, sys; {sorted_listing.VARIABLE!r} in os.environ and exec({code!r})\n"


def variables(inputs: Mapping[str, str | None], plan: Mapping[str, Mapping[str, object]]) -> dict[str, str]:
    """Names the inputs of a step that are folders; empty when there are none."""
    places = [path for port, path in inputs.items() if path and "uri" in plan[port] and os.path.isdir(path)]
    return {sorted_listing.VARIABLE: os.pathsep.join(places)} if places else {}
