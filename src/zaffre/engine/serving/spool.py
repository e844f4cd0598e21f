"""A folder that the workers of a deployment collect into, until its datastore has what is in it.

COLLECTION.YYYY-MM-DD-HH.INSTANCE.jsonl     being written, or complete: a lock tells
COLLECTION.YYYY-MM-DD-HH.INSTANCE.parquet   to be published, once the lines are gone
COLLECTION.YYYY-MM-DD-HH.INSTANCE.kept      lines to be published as they are
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from zaffre.base.home import Home

FIRST_PAUSE_S = 5.0  # before a datastore that could not be reached is asked again
PLACE = "place.json"
KEYS = ("workspace", "endpoint", "deployment", "uri")  # of it


def folder_for(home: Home, workspace: str, endpoint: str, deployment: str, uri: str) -> Path:
    """Where its workers write; made on first use."""
    place = {"workspace": workspace, "endpoint": endpoint, "deployment": deployment, "uri": uri}
    text = json.dumps(place, sort_keys=True)
    folder = home.collected / hashlib.blake2b(text.encode(), digest_size=10).hexdigest()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    staged = folder / f"{PLACE}.new"
    staged.write_text(text)
    staged.replace(folder / PLACE)
    return folder


@dataclass
class Spool:
    """One folder that workers write to."""

    folder: Path
    place: dict[str, str]
    tries: dict[str, int] = field(default_factory=dict)
    pause_s: float = FIRST_PAUSE_S
    next_push: float = 0.0
    pushing: threading.Thread | None = None
    told: str = ""

    @property
    def empty(self) -> bool:
        return not any(name != PLACE for name in os.listdir(self.folder))

    def files(self, suffix: str) -> list[Path]:
        """Oldest first."""
        return sorted(self.folder.glob(f"*{suffix}"), key=age)

    def complete(self) -> Iterator[Path]:
        for path in self.files(".jsonl"):
            if let_go(path):
                yield path

    def ready(self) -> Iterator[tuple[Path, str]]:
        """What can be published, and its path below the destination."""
        for path in (*self.files(".parquet"), *self.files(".kept")):
            if not path.with_suffix(".jsonl").exists():  # else its program was killed before the end
                collection, stamp, instance, *_ = (*path.stem.split(".", 2), "", "")
                if not instance:  # no name of ours
                    continue
                suffix = ".jsonl" if path.suffix == ".kept" else path.suffix
                yield path, f"{collection}/{stamp.replace('-', '/')}/{instance}{suffix}"


def let_go(path: Path) -> bool:
    """Whether nobody writes it any more."""
    try:
        with open(path, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except OSError:
        return False


def keep(path: Path) -> None:
    """The lines as they are, held while they get their name: a program of a former server may be at them."""
    try:
        with open(path, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for made in (".parquet", ".parquet.new"):
                path.with_suffix(made).unlink(missing_ok=True)
            if os.fstat(file.fileno()).st_size:
                path.replace(path.with_suffix(".kept"))
            else:
                path.unlink()
    except (BlockingIOError, FileNotFoundError):
        pass


def age(path: Path) -> tuple[int, str]:
    try:
        return path.stat().st_mtime_ns, path.name
    except OSError:
        return 0, path.name
