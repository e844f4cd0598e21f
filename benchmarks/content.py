"""What the content store costs beside `cp` on the same files: python benchmarks/content.py [--folder DIR]

Every step of the store runs in a fresh process; its time counts imports, but not the start of Python. The source is
in the page cache for both. Each step is repeated with `cp` next to it, the least of each is shown.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

STEP = """
import time; begun = time.perf_counter()
import sys, json
from pathlib import Path
from zaffre.plugins.content.store import FileContentStore
store = FileContentStore(Path(sys.argv[1]))
found = getattr(store, sys.argv[2])(Path(sys.argv[3]))
spent = time.perf_counter() - begun
print(json.dumps([spent, getattr(found, "new_bytes", 0)]))
"""


def step(store: Path, verb: str, source: Path) -> tuple[float, int]:
    """Seconds, and bytes that were new."""
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    run = subprocess.run(
        [sys.executable, "-c", STEP, str(store), verb, str(source)], env=env, check=True, capture_output=True, text=True
    )
    spent, new = json.loads(run.stdout)
    return float(spent), int(new)


def timed(command: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - begun


def least(repeats: int, prepare: Callable[[], object], measure: Callable[[], tuple[float, int]]) -> tuple[float, int]:
    found = []
    for _ in range(repeats):
        prepare()
        os.sync()
        found.append(measure())
    return min(found)


def make_small(folder: Path, files: int, size: int) -> None:
    for number in range(files):
        path = folder / f"part{number // 100:03}" / f"{number:05}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))


def make_large(path: Path, size: int) -> None:
    block = bytearray(os.urandom(2**24))
    with open(path, "wb") as file:
        for number in range(size // len(block)):
            block[:8] = number.to_bytes(8, "big")
            file.write(block)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where to work; default: a temporary folder")
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--file-bytes", type=int, default=20_480)
    parser.add_argument("--large-bytes", type=int, default=2**31)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="content-", dir=given.folder))
    small, large, store, copy = work / "small", work / "large.bin", work / "store", work / "copy"

    def clean(*paths: Path) -> Callable[[], None]:
        def run() -> None:
            for path in paths:
                shutil.rmtree(path, ignore_errors=True)
                path.unlink(missing_ok=True)

        return run

    def show(name: str, found: tuple[float, int], cp: float, limit: str) -> None:
        print(
            f"{name:44} {found[0]:7.3f} s   {found[0] / cp:6.2f} x cp   {found[1]:>13,} new bytes   (aim {limit})",
            flush=True,
        )

    try:
        make_small(small, given.files, given.file_bytes)
        cp_small, _ = least(given.repeats, clean(copy), lambda: (timed(["cp", "-r", str(small), str(copy)]), 0))
        clean(copy)()
        print(f"cp -r of {given.files:,} files of {given.file_bytes:,} bytes: {cp_small:.3f} s")
        show("scan, first", least(given.repeats, clean(store), lambda: step(store, "scan", small)), cp_small, "0.45 s")
        show("scan, again", least(given.repeats, lambda: None, lambda: step(store, "scan", small)), cp_small, "0.35 s")
        show("add, new", least(given.repeats, clean(store), lambda: step(store, "add", small)), cp_small, "1 x cp")
        show(
            "add, unchanged", least(given.repeats, lambda: None, lambda: step(store, "add", small)), cp_small, "0.35 s"
        )
        changed = next(small.rglob("*.bin"))
        again = least(given.repeats, lambda: changed.write_bytes(os.urandom(100)), lambda: step(store, "add", small))
        show("add, one file changed", again, cp_small, "0.35 s")

        def rename() -> None:
            folder = next(small.iterdir())
            folder.rename(folder.with_name(folder.name + "x"))

        show(
            "add, a folder renamed", least(given.repeats, rename, lambda: step(store, "add", small)), cp_small, "0.35 s"
        )
        clean(small, store)()
        make_large(large, given.large_bytes)
        cp_large, _ = least(given.repeats, clean(copy), lambda: (timed(["cp", str(large), str(copy)]), 0))
        clean(copy)()
        print(f"cp of one file of {given.large_bytes:,} bytes: {cp_large:.3f} s")
        show("add, new", least(given.repeats, clean(store), lambda: step(store, "add", large)), cp_large, "1.1 x cp")
        show("add, unchanged", least(given.repeats, lambda: None, lambda: step(store, "add", large)), cp_large, "0.3 s")
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
