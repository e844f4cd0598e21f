"""Program: JSON lines that were collected become parquet. It runs below everything else, and nobody waits for it.

Standard input: a JSON list of {"source", "target", "place"}. Standard output: a line for each, in their order, with
`rows` and `torn` (lines that were cut off), or with `skipped`: its writer still has it, or it is gone.

A source goes only when its table lies whole on disk; whoever is killed in between does it again, under the same name.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zaffre.plugins.collected import table


def main() -> None:
    os.nice(19)
    with contextlib.suppress(OSError):  # rather this program than a worker, where memory ends
        Path("/proc/self/oom_score_adj").write_text("1000")
    for task in json.load(sys.stdin):
        print(json.dumps(convert(Path(task["source"]), Path(task["target"]), task["place"])), flush=True)


def convert(source: Path, target: Path, place: Mapping[str, str]) -> dict[str, Any]:
    """Raises OSError and what pyarrow raises; the source is left then."""
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(open(source, "r+b"))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (FileNotFoundError, BlockingIOError):
            return {"skipped": True}
        if not os.fstat(file.fileno()).st_nlink:
            return {"skipped": True}
        staged = target.with_name(target.name + ".new")
        rows, torn = table.write(file, staged, place)
        if rows:
            sync(staged)
            staged.replace(target)
            sync(target.parent)
        source.unlink()
        return {"rows": rows, "torn": torn}


def sync(path: Path) -> None:
    """What is in it, or for a folder the names, outlives a loss of power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    main()
