"""The Pythons of this machine, found without running any.

uv's own search trips over pyenv's shims (scripts that exit 127) and then tries to download; so it is given an absolute
path that was found here. Only the interpreter that is chosen is run once, to prove that it works.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from zaffre.base.errors import InvalidRequest
from zaffre.core.environment.python import choose_python
from zaffre.core.environment.recipe import PythonWish

MINORS = range(7, 15)  # 3.7 to 3.14
PROBE = "import sys,ssl,zlib;print('.'.join(map(str,sys.version_info[:3])))"  # pip needs ssl and zlib
PROBE_SECONDS = 20
FULL = re.compile(r"(?<![\d.])3\.\d+\.\d+(?![\d.])")


@dataclass(frozen=True)
class Interpreter:
    path: Path
    version: str  # "3.10.13"; patch 0 while it is not known

    @property
    def minor(self) -> str:
        return ".".join(self.version.split(".")[:2])


class Interpreters:
    """`cache` is a JSON file of proven interpreters by path, size and time of change; None keeps it in memory."""

    def __init__(self, cache: Path | None = None, environ: Mapping[str, str] | None = None) -> None:
        self.cache = cache
        self.environ = os.environ if environ is None else environ
        self.lock = threading.Lock()
        self.seen: tuple[Interpreter, ...] | None = None
        self.stamp: tuple[tuple[str, int], ...] = ()

    def choose(self, wish: PythonWish) -> tuple[Interpreter, str | None]:
        """The interpreter that serves the wish best, proven to run, and a note if it is another than preferred.

        Raises `InvalidRequest` (code `PythonNotFound`) naming the versions that are there.
        """
        candidates = list(self.found())
        while True:
            version, note = choose_python(wish, [candidate.version for candidate in candidates])
            chosen = next(candidate for candidate in candidates if candidate.version == version)
            proven = self.prove(chosen)
            if proven == version:
                return chosen, note
            place = candidates.index(chosen)
            candidates[place : place + 1] = [Interpreter(chosen.path, proven)] if proven else []
            if not candidates:
                raise InvalidRequest("No Python on this machine works", code="PythonNotFound")

    def found(self) -> tuple[Interpreter, ...]:
        """All of them, newest first; looked for again when a folder that may hold some has changed."""
        with self.lock:
            folders = list(dict.fromkeys(search_folders(self.environ)))
            stamp = tuple((str(folder), mtime(folder)) for folder in folders)
            if self.seen is None or stamp != self.stamp:
                self.seen, self.stamp = tuple(scan(folders)), stamp
            return self.seen

    def prove(self, interpreter: Interpreter) -> str | None:
        """Its true version, or None if it does not run; asked once per state of the file."""
        try:
            facts = interpreter.path.stat()
        except OSError:
            return None
        key = f"{interpreter.path}|{facts.st_size}|{facts.st_mtime_ns}"
        with self.lock:
            known = self.read_cache()
            if key not in known:
                known[key] = probe(interpreter.path)
                self.write_cache(known)
            return known[key] or None

    def read_cache(self) -> dict[str, str]:
        if self.cache is None:
            self.__dict__.setdefault("memory", {})
            return self.__dict__["memory"]  # type: ignore[no-any-return]
        try:
            loaded = json.loads(self.cache.read_text())
        except (OSError, ValueError):
            return {}
        return {str(key): str(value) for key, value in loaded.items()} if isinstance(loaded, dict) else {}

    def write_cache(self, known: Mapping[str, str]) -> None:
        if self.cache is None:
            return
        with contextlib.suppress(OSError):  # only a cache: a full disk is met elsewhere
            staged = self.cache.with_name(f"{self.cache.name}.{os.getpid()}.{threading.get_ident()}")
            staged.write_text(json.dumps(known, indent=1))
            staged.replace(self.cache)


def search_folders(environ: Mapping[str, str]) -> Iterator[Path]:
    """Folders that may hold interpreters, the most deliberate installations first, so that ties are stable."""
    home = Path(environ.get("HOME") or Path.home())
    data = Path(environ.get("XDG_DATA_HOME") or home / ".local/share")
    yield from below(Path(environ.get("UV_PYTHON_INSTALL_DIR") or data / "uv/python"), "*/bin")
    yield from below(Path(environ.get("PYENV_ROOT") or home / ".pyenv") / "versions", "*/bin")
    yield from (Path("/usr/local/bin"), Path("/usr/bin"), Path("/opt/homebrew/bin"))
    yield from below(Path("/opt/python"), "*/bin")
    for root in (environ.get("CONDA_PREFIX"), *CONDA_ROOTS):
        if root:
            place = Path(root.replace("~", str(home), 1))
            yield place / "bin"
            yield from below(place / "envs", "*/bin")
    yield Path(sys.base_prefix) / "bin"
    for entry in environ.get("PATH", "").split(os.pathsep):
        if entry and not entry.rstrip("/").endswith("/shims"):
            yield Path(entry)


CONDA_ROOTS = ("~/miniconda3", "~/anaconda3", "~/miniforge3", "/opt/conda", "/opt/miniconda")


def below(root: Path, pattern: str) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from sorted(root.glob(pattern))


def scan(folders: Sequence[Path]) -> list[Interpreter]:
    """Every `python3.N` in the folders that is a program of its own, one per real file, newest first."""
    found: dict[str, Interpreter] = {}
    for folder in folders:
        if (folder.parent / "pyvenv.cfg").exists():  # somebody's virtual environment: its base is found elsewhere
            continue
        for minor in MINORS:
            path = folder / f"python3.{minor}"
            if not os.access(path, os.X_OK) or not path.is_file() or is_script(path):
                continue
            real = os.path.realpath(path)
            found.setdefault(real, Interpreter(path, read_version(path, real, f"3.{minor}")))
    return sorted(found.values(), key=lambda one: tuple(map(int, one.version.split("."))), reverse=True)


def read_version(path: Path, real: str, minor: str) -> str:
    """The full version where the path says it (`.pyenv/versions/3.10.13/bin`), else with patch 0."""
    for text in (str(path), str(real)):
        for match in reversed([found[0] for found in FULL.finditer(text)]):
            if match.startswith(f"{minor}."):
                return match
    return f"{minor}.0"


def is_script(path: Path) -> bool:
    """A shim or wrapper, not a program."""
    try:
        with path.open("rb") as file:
            return file.read(2) == b"#!"
    except OSError:
        return True


def mtime(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0


def probe(path: Path) -> str:
    """Its version as it says itself; empty if it does not run."""
    try:
        done = subprocess.run(
            [str(path), "-I", "-S", "-c", PROBE], capture_output=True, text=True, timeout=PROBE_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    text = done.stdout.strip()
    return text if done.returncode == 0 and re.fullmatch(r"3\.\d+\.\d+", text) else ""
