"""The folder of one environment as files: what is in it, how big it is, write protection, removal."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def site_packages(folder: Path, python: str) -> Path:
    return folder / "lib" / f"python{python}" / "site-packages"


def installed(folder: Path, python: str) -> list[str]:
    """`name==version` of every package, sorted, read from the names of the dist-info folders."""
    found = set()
    for path in site_packages(folder, python).glob("*.dist-info"):
        name, _, version = path.name.removesuffix(".dist-info").partition("-")
        found.add(f"{re.sub(r'[-_.]+', '-', name).lower()}=={version}")
    return sorted(found)


def size(folder: Path) -> int:
    """Bytes of all files as they are; files linked from a download cache count in full."""
    return sum(entry.stat(follow_symlinks=False).st_size for entry in walk(folder) if not entry.is_dir())


def protect(folder: Path) -> None:
    """Take the right to write from every file and folder below; root is not hindered by that."""
    for entry in walk(folder):
        if entry.is_symlink():
            continue
        mode = entry.stat(follow_symlinks=False).st_mode
        if mode & WRITE:
            os.chmod(entry.path, stat.S_IMODE(mode) & ~WRITE)


def remove(folder: Path) -> None:
    """Remove a folder that may be write-protected; one that is gone already is no error."""
    import shutil

    if folder.is_symlink() or not folder.is_dir():
        return
    os.chmod(folder, 0o700)
    for entry in walk(folder):
        if entry.is_dir(follow_symlinks=False):
            os.chmod(entry.path, 0o700)
    shutil.rmtree(folder, ignore_errors=True)


def walk(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Every entry below, folders before what is in them; links are not followed."""
    pending = [str(folder)]
    while pending:
        try:
            entries = list(os.scandir(pending.pop()))
        except FileNotFoundError:
            continue
        for entry in entries:
            yield entry
            if entry.is_dir(follow_symlinks=False):
                pending.append(entry.path)
