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
from zaffre.plugins.virtualenv import tree
from zaffre.plugins.virtualenv.build import venv_settings
from zaffre.plugins.virtualenv.places import Places


def make_layer(
    places: Places, key: str, facts: Mapping[str, object], folder: Path, indexes: Mapping[str, str]
) -> dict[str, str]:
    shared = places.environment(key)
    interpreter, python = str(facts["interpreter"]), str(facts["python"])
    folder = Path(os.path.abspath(folder))
    mark(places, key, folder)
    packages = tree.site_packages(folder, python)
    os.makedirs(packages, exist_ok=True)
    os.makedirs(folder / "bin", exist_ok=True)
    for link, target in (
        ("bin/python", interpreter),
        ("bin/python3", "python"),
        (f"bin/python{python}", "python"),
        ("lib64", "lib"),
    ):
        with contextlib.suppress(FileExistsError):
            os.symlink(target, folder / link)
    write(folder / "pyvenv.cfg", venv_settings(Path(interpreter), str(facts["python_version"])))
    # `addsitedir`, unlike a plain path, also reads the .pth files of the shared packages.
    write(packages / "_zaffre.pth", f"import site; site.addsitedir({str(tree.site_packages(shared, python))!r})\n")
    if not places.facts(key).exists():  # removed between the question for it and the mark
        raise Conflict(f"The environment {key} was removed meanwhile", code="EnvironmentGone", hint="Build it again.")
    return variables(shared, facts, folder, indexes)


def variables(shared: Path, facts: Mapping[str, object], folder: Path, indexes: Mapping[str, str]) -> dict[str, str]:
    found = {
        **indexes,
        "PATH": f"{folder / 'bin'}{os.pathsep}{shared / 'bin'}",
        "VIRTUAL_ENV": str(folder),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_WARN_SCRIPT_LOCATION": "1",
        "PIP_NO_INPUT": "1",
        "PIP_USER": "0",  # a machine's setting to install for the user would go past the layer
        "PIP_ROOT_USER_ACTION": "ignore",
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_LINK_MODE": "copy",  # a file of the layer shall not be one with a file of a cache
    }
    if facts.get("constraints"):
        found["PIP_CONSTRAINT"] = found["UV_CONSTRAINT"] = str(shared / "constraints.txt")
    if facts.get("exclude_newer"):
        found["UV_EXCLUDE_NEWER"] = found["PIP_UPLOADED_PRIOR_TO"] = str(facts["exclude_newer"])
    return found


def write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def mark(places: Places, key: str, folder: Path) -> None:
    """Say that the layer in `folder` uses the environment: a link that dangles once the layer is gone."""
    os.makedirs(folder, exist_ok=True)
    uses = places.uses(key)
    name = uses / hashlib.sha256(os.fsencode(str(folder))).hexdigest()[:24]
    try:
        os.symlink(folder, name)
    except FileExistsError:
        return
    except FileNotFoundError:
        os.makedirs(uses, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.symlink(folder, name)


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
