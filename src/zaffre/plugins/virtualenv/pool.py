"""Layers that a job left as they were serve the next job: making one anew costs ten files, which every step would pay.

ext4 takes up to 0.4 ms for each new file where many were removed in the last minutes, and layers come and go in
thousands. Layers of an earlier process are never lent: a job that outlived it may still use them.
"""

from __future__ import annotations

import os
import secrets
import threading
from pathlib import Path

from zaffre.plugins.virtualenv import tree


class LayerPool:
    """Folders for layers below `root`, by environment. Safe to share between threads."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._session = root / secrets.token_hex(6)
        self._free: dict[str, list[Path]] = {}
        self._made = 0
        self._lock = threading.Lock()

    def take(self, key: str) -> Path:
        """A folder that no job uses: empty, or a layer over the environment as it was made."""
        with self._lock:
            if free := self._free.get(key):
                return free.pop()
            if not self._made:
                self._session.mkdir(parents=True)
            self._made += 1
            return self._session / str(self._made)

    def give_back(self, key: str, folder: Path, python: str) -> None:
        """The job has ended. What it changed is removed with its layer."""
        if folder.parent == self._session and is_untouched(folder, python):
            with self._lock:
                self._free.setdefault(key, []).append(folder)
        else:
            tree.remove(folder)

    def forget_free(self) -> None:
        """Layers that wait for a job are removed, so that they keep no environment in use."""
        with self._lock:
            waiting, self._free = self._free, {}
        for folders in waiting.values():
            for folder in folders:
                tree.remove(folder)

    def sweep(self) -> None:
        """No job lives: layers of earlier processes go."""
        if self.root.is_dir():
            for session in self.root.iterdir():
                if session != self._session:
                    tree.remove(session)


def is_untouched(layer: Path, python: str) -> bool:
    """Whether a layer holds just what it was made of. The texts of its two files are looked at for each job."""
    place, own = str(layer), f"python{python}"
    wanted = {
        place: {"bin", "lib", "lib64", "pyvenv.cfg"},
        f"{place}/bin": {"python", "python3", own},
        f"{place}/lib": {own},
        f"{place}/lib/{own}": {"site-packages"},
        f"{place}/lib/{own}/site-packages": {"_zaffre.pth"},
    }
    try:
        return all(set(os.listdir(folder)) <= names for folder, names in wanted.items()) and all(
            os.path.islink(f"{place}/bin/{name}") for name in ("python", "python3", own)
        )
    except OSError:
        return False
