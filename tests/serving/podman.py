"""Containers for a test: podman with stores of its own, and a base image made of the Python that runs the tests."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

CONTAINERS = """
[containers]
default_ulimits = ["nofile=16384:16384", "nproc=16384:16384"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
"""  # what a machine without systemd and without the right to raise limits needs
STORAGE = '[storage]\ndriver = "overlay"\ngraphroot = "{0}/graph"\nrunroot = "{0}/run"\n'
PROGRAMS = ("/bin/sh", "/bin/ls", "/bin/rm")
LEFT_OUT = ("test", "tests", "idlelib", "site-packages", "dist-packages", "__pycache__", "config-3*", "*.a",
            "EXTERNALLY-MANAGED")  # fmt: skip
LIBRARIES = (
    "libstdc++.so.6",
    "libgcc_s.so.1",
    "libdl.so.2",
    "libpthread.so.0",
    "librt.so.1",
    "libm.so.6",
    "libutil.so.1",
)
# what wheels expect of any system


def missing() -> str | None:
    """Why there can be no container; None when there can."""
    absent = [name for name in ("podman", "runc", "ldd", "tar") if shutil.which(name) is None]
    if absent:
        return f"no {', '.join(absent)}: apt-get install podman runc"
    return "only root makes containers here" if os.geteuid() else None


class Podman:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "containers.conf").write_text(CONTAINERS)
        (folder / "storage.conf").write_text(STORAGE.format(folder))
        self.environ = {
            **os.environ,
            "CONTAINERS_CONF": str(folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
        }

    def __call__(self, *words: str, cwd: Path | None = None, check: bool = True) -> str:
        done = subprocess.run(
            ["podman", *words], env=self.environ, cwd=cwd, capture_output=True, text=True, check=False, timeout=240
        )
        assert not check or done.returncode == 0, f"podman {' '.join(words)}:\n{done.stdout}\n{done.stderr}"
        return (done.stdout + (done.stderr if words[0] == "logs" else "")).strip()

    def base(self) -> str:
        """The name of an image with this Python and pip, as small as `python:slim`; no registry is asked."""
        root, name = self.folder / "root", "localhost/python:test"
        _root(root)
        with subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE) as archive:
            subprocess.run(
                ["podman", "import", "-q", "-c", "ENV PATH=/usr/local/bin:/usr/bin:/bin", "-c",
                 "ENV LD_LIBRARY_PATH=/usr/local/lib", "-", name],
                env=self.environ, stdin=archive.stdout, check=True, capture_output=True, timeout=240,
            )  # fmt: skip
        shutil.rmtree(root)
        return name

    def left(self) -> list[str]:
        """Containers of this store, and processes that look after one, known to it or not."""
        found = self("ps", "--all", "--format", "{{.Names}} {{.Status}}").splitlines()
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                words = path.read_bytes().decode(errors="replace").split("\0")
                if words[0].endswith("conmon") and any(f"{self.folder}/" in word for word in words):
                    found.append(f"conmon {words[words.index('-n') + 1]}")
        return found

    def close(self) -> None:
        self("stop", "--all", "--time", "0", check=False)
        self("rm", "--all", "--force", "--time", "0", check=False)
        self("rmi", "--all", "--force", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


def _root(root: Path) -> None:
    base = {"base": sys.base_prefix, "installed_base": sys.base_prefix, "platbase": sys.base_prefix,
            "installed_platbase": sys.base_prefix}  # fmt: skip
    stdlib = Path(sysconfig.get_path("stdlib", vars=base))
    minor, program = stdlib.name, os.path.realpath(sys.executable)
    of_system = sys.base_prefix == "/usr"
    prefix = root / ("usr" if of_system else "usr/local")
    shutil.copytree(stdlib, prefix / "lib" / minor, ignore=shutil.ignore_patterns(*LEFT_OUT))
    (prefix / "bin").mkdir()
    shutil.copy2(program, prefix / "bin" / minor)
    for name in ("python", "python3"):
        (prefix / "bin" / name).symlink_to(minor)
    pip = importlib.util.find_spec("pip")
    assert pip is not None
    assert pip.origin is not None
    site = prefix / "lib" / minor / ("dist-packages" if of_system else "site-packages")
    shutil.copytree(Path(pip.origin).parent, site / "pip", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "bin").mkdir()
    for place in PROGRAMS:
        shutil.copy2(os.path.realpath(place), root / place.lstrip("/"))
    cache = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    found = {
        path for name in LIBRARIES for path in re.findall(rf"{re.escape(name)} \(libc6,x86-64[^)]*\) => (\S+)", cache)
    }
    found |= _needed([program, *PROGRAMS, *map(str, stdlib.glob("lib-dynload/*.so"))])
    for library in found | _needed(sorted(found)):
        own = library.startswith(sys.base_prefix) and not of_system
        place = prefix / "lib" / Path(library).name if own else root / library.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(os.path.realpath(library), place)
    for name in ("tmp", "etc", "proc", "sys", "dev", "root"):
        (root / name).mkdir(exist_ok=True)
    (root / "tmp").chmod(0o1777)
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")


def _needed(paths: list[str]) -> set[str]:
    told = subprocess.run(["ldd", *paths], capture_output=True, text=True, check=False).stdout
    return set(re.findall(r"(/\S+) \(0x", told))


def nothing_left(engine: Podman, seconds: float = 60.0) -> None:
    """All containers have ended."""
    end = time.monotonic() + seconds
    while left := engine.left():
        assert time.monotonic() < end, left
        time.sleep(0.2)
