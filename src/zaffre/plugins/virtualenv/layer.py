"""The thin layer of one job over a shared environment: a virtual environment of its own that sees the shared packages.

pip and uv take it for the environment they run in, so what a job installs, upgrades or removes touches the layer only.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from zaffre.base.errors import Conflict
from zaffre.plugins.virtualenv.build import venv_settings
from zaffre.plugins.virtualenv.places import Places


def make_layer(
    places: Places, key: str, facts: Mapping[str, object], folder: Path, indexes: Mapping[str, str], hook: str = ""
) -> dict[str, str]:
    """Plain calls of the system, no more than needed: every job waits for it.

    Links are second names of the shared environment's own where that can be: ext4 takes up to 0.4 ms for each new file
    where many were removed in the last minutes.
    """
    interpreter, python = str(facts["interpreter"]), str(facts["python"])
    layer, shared = os.path.abspath(folder), str(places.environment(key))
    inner = f"lib/python{python}/site-packages"
    if not os.path.exists(f"{layer}/pyvenv.cfg"):
        make_folders(places, key, facts, layer, inner)
    write(f"{layer}/pyvenv.cfg", venv_settings(Path(interpreter), str(facts["python_version"])))
    # `addsitedir`, unlike a plain path, also reads the .pth files of the shared packages.
    write(f"{layer}/{inner}/_zaffre.pth", f"import site; site.addsitedir({f'{shared}/{inner}'!r})\n{hook}")
    if not os.path.exists(f"{shared}/environment.json"):  # removed between the question for it and the mark
        raise Conflict(f"The environment {key} was removed meanwhile", code="EnvironmentGone", hint="Build it again.")
    return variables(shared, facts, layer, indexes)


def make_folders(places: Places, key: str, facts: Mapping[str, object], layer: str, inner: str) -> None:
    shared, python = str(places.environment(key)), str(facts["python"])
    os.makedirs(layer, exist_ok=True)
    mark(places, key, layer)
    for name in ("bin", "lib", f"lib/python{python}", inner):
        with contextlib.suppress(FileExistsError):
            os.mkdir(f"{layer}/{name}")
    for name in ("python", "python3", f"python{python}"):
        link(f"{shared}/bin/python", str(facts["interpreter"]), f"{layer}/bin/{name}")
    if facts.get("lib64"):
        link(f"{shared}/lib64", "lib", f"{layer}/lib64")


def variables(shared: str, facts: Mapping[str, object], layer: str, indexes: Mapping[str, str]) -> dict[str, str]:
    found = {
        **indexes,
        "PATH": f"{layer}/bin{os.pathsep}{shared}/bin",
        "VIRTUAL_ENV": layer,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_WARN_SCRIPT_LOCATION": "1",
        "PIP_NO_INPUT": "1",
        "PIP_USER": "0",  # a machine's setting to install for the user would go past the layer
        "PIP_ROOT_USER_ACTION": "ignore",
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_LINK_MODE": "copy",  # a file of the layer shall not be one with a file of a cache
    }
    if facts.get("constraints"):
        found["PIP_CONSTRAINT"] = found["UV_CONSTRAINT"] = f"{shared}/constraints.txt"
    if facts.get("exclude_newer"):
        found["UV_EXCLUDE_NEWER"] = found["PIP_UPLOADED_PRIOR_TO"] = str(facts["exclude_newer"])
    return found


def link(source: str, target: str, path: str) -> None:
    """A symbolic link to `target` at `path`: another name of the link `source`, or one of its own."""
    try:
        os.link(source, path, follow_symlinks=False)
    except FileExistsError:
        return
    except OSError:  # another file system, or too many names
        with contextlib.suppress(FileExistsError):
            os.symlink(target, path)


def write(path: str, text: str) -> None:
    """The file says this. It is read first: ext4 writes a file out at once that is cut short and filled again."""
    wanted = text.encode()
    if says(path, wanted):
        return
    with contextlib.suppress(FileNotFoundError):  # whatever an earlier job made of it
        os.unlink(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        os.write(descriptor, wanted)
    finally:
        os.close(descriptor)


def says(path: str, wanted: bytes) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.read(descriptor, len(wanted) + 1) == wanted
    except OSError:
        return False
    finally:
        os.close(descriptor)


def mark(places: Places, key: str, layer: str) -> None:
    """Say that the layer uses the environment: a link that dangles once the layer is gone."""
    uses = str(places.uses(key))
    name = f"{uses}/{hashlib.sha256(os.fsencode(layer)).hexdigest()[:24]}"
    try:
        os.symlink(layer, name)
    except FileExistsError:
        return
    except FileNotFoundError:
        os.makedirs(uses, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.symlink(layer, name)


def in_use(places: Places, key: str) -> bool:
    """Whether a layer over it still exists; marks of layers that are gone are swept."""
    used = False
    with contextlib.suppress(FileNotFoundError):
        for entry in os.scandir(places.uses(key)):
            if os.path.exists(entry.path):
                used = True
            else:
                with contextlib.suppress(OSError):
                    os.unlink(entry.path)
    return used
