"""Console scripts that run under whatever Python stands first on PATH.

An installer writes the environment's own interpreter into them. Then `pip` called by a job would run under the shared
environment and install into it. With `#!/usr/bin/env python` it runs under the Python of the job's layer.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

ANY_PYTHON = b"#!/usr/bin/env python\n"


def free_scripts(folder: Path) -> None:
    """Rewrite every script in `folder`/bin that names an interpreter of that folder."""
    place = os.fsencode(str(folder / "bin")) + b"/"
    for path in sorted((folder / "bin").iterdir()):
        if path.is_symlink() or not path.is_file():
            continue
        with path.open("rb") as file:
            if file.read(2) != b"#!":
                continue
        rest = freed(path.read_bytes(), place)
        if rest is None:
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        staged = path.with_name(path.name + ".new")  # a new file: the old one may be linked from a cache
        staged.write_bytes(ANY_PYTHON + rest)
        staged.chmod(mode)
        staged.replace(path)


def freed(text: bytes, place: bytes) -> bytes | None:
    """The script without its first line, or without the three lines of the `/bin/sh` form that long paths need."""
    first, _, rest = text.partition(b"\n")
    if first.startswith(b"#!" + place) and b"python" in first:
        return rest
    if first.strip() == b"#!/bin/sh" and rest.startswith(b"'''exec'") and b"python" in rest.split(b"\n", 1)[0]:
        parts = rest.split(b"\n", 2)
        return parts[2] if len(parts) == 3 else None
    return None
