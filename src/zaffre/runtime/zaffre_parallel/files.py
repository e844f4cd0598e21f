"""Files that are cut into mini-batches, and those that come out."""

from __future__ import annotations

import os
import shutil

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def below(folder: str) -> Iterable[str]:
    """Files of a folder and below, by name: the order of the rows does not depend on the disk. A folder that links
    lead to is visited once."""
    seen = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        status = os.stat(place)
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders.sort()
        for name in sorted(names):
            yield os.path.join(place, name)


def size_of(path: str) -> int:
    """0 for what cannot be looked at: whoever opens it says why."""
    try:
        return os.path.getsize(path)
    except OSError:
        return 0


def move(source: str, target: str) -> None:
    """What lies in one folder goes to another, each file at once; what is there already is replaced."""
    for path in list(below(source)):
        goal = os.path.join(target, os.path.relpath(path, source))
        os.makedirs(os.path.dirname(goal), exist_ok=True)
        try:
            os.replace(path, goal)
        except OSError:  # another disk
            staged = os.path.join(os.path.dirname(goal), f".{os.path.basename(goal)}.staged")
            shutil.copyfile(path, staged)
            os.replace(staged, goal)
            os.remove(path)


def join(paths: Iterable[str], target: str) -> None:
    """Rows of mini-batches, in their order, behind the line that begins each file of the state; readers see the former
    target or this one."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    staged = os.path.join(os.path.dirname(target), f".{os.path.basename(target)}.staged")
    with open(staged, "wb") as out:
        for path in paths:
            with open(path, "rb") as file:
                file.readline()
                shutil.copyfileobj(file, out, 1 << 20)
        out.flush()
        os.fsync(out.fileno())
    os.replace(staged, target)
