"""Interpreters, pip's index settings, and the reading of uv's reasons."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from zaffre.base.errors import InvalidRequest
from zaffre.core.environment.recipe import PythonWish
from zaffre.plugins.virtualenv.failure import culprits, is_full_disk
from zaffre.plugins.virtualenv.indexes import redact, uv_variables, without_secrets
from zaffre.plugins.virtualenv.interpreters import Interpreters, scan, search_folders
from zaffre.plugins.virtualenv.scripts import free_scripts


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_shims_and_virtual_environments_are_passed_over(tmp_path: Path) -> None:
    program(tmp_path / "pyenv/shims/python3.9", "#!/bin/sh\nexit 127\n")
    program(tmp_path / "wrappers/python3.9", "#!/bin/sh\nexit 127\n")
    program(tmp_path / "venv/bin/python3.9", "\x7fELF")
    (tmp_path / "venv/pyvenv.cfg").write_text("home = /usr/bin\n")
    real = program(tmp_path / "pyenv/versions/3.9.18/bin/python3.9", "\x7fELF")
    environ = {
        "HOME": str(tmp_path),
        "PYENV_ROOT": str(tmp_path / "pyenv"),
        "PATH": os.pathsep.join(str(tmp_path / name) for name in ("pyenv/shims", "wrappers", "venv/bin")),
    }
    folders = [folder for folder in search_folders(environ) if tmp_path in folder.parents]
    assert [(one.path, one.version) for one in scan(folders)] == [(real, "3.9.18")]


def test_an_interpreter_that_does_not_run_is_passed_over(tmp_path: Path) -> None:
    broken = program(tmp_path / "pyenv/versions/3.99.1/bin/python3.14", "\x7fELF")
    found = Interpreters(environ={"HOME": str(tmp_path), "PYENV_ROOT": str(tmp_path / "pyenv"), "PATH": "/usr/bin"})
    assert broken in [one.path for one in found.found()]
    chosen, _ = found.choose(PythonWish(prefer="newest"))
    assert chosen.path != broken
    with pytest.raises(InvalidRequest, match="found:"):
        found.choose(PythonWish("==3.6.*", "3.6"))


def test_pip_settings_reach_uv(tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text(
        "[global]\nindex-url = https://user:secret@index.example.org/simple\nextra-index-url =\n  https://a.example.org\n"
        "  https://b.example.org\n[install]\nfind-links = /wheels /more\n"
    )
    environ = {"HOME": str(tmp_path), "PIP_CONFIG_FILE": str(tmp_path / "pip.conf"), "PIP_CERT": "/ca.pem"}
    found = uv_variables(environ)
    assert found["UV_DEFAULT_INDEX"] == "https://user:secret@index.example.org/simple"
    assert found["UV_EXTRA_INDEX_URL"] == "https://a.example.org https://b.example.org"
    assert found["UV_FIND_LINKS"] == "/wheels,/more"
    assert found["SSL_CERT_FILE"] == "/ca.pem"
    assert "UV_DEFAULT_INDEX" not in without_secrets(found)
    assert "UV_DEFAULT_INDEX" not in uv_variables({**environ, "UV_DEFAULT_INDEX": "https://own.example.org"})
    assert redact("from https://user:secret@h/x") == "from https://***@h/x"


@pytest.mark.parametrize(
    ("reason", "lines"),
    [
        ("Because there is no version of six==99 and you require six==99", ["six==99"]),
        ("nosuch-thing was not found in the package registry", ["nosuch_thing"]),
        ("Failed to build `pycairo==1.26.1`", ["PyCairo"]),
        ("Because pandas==2.2.2 depends on numpy>=1.23.2 and you require numpy<1.20", ["pandas==2.2.2", "numpy<1.20"]),
    ],
)
def test_the_line_that_caused_it(reason: str, lines: list[str]) -> None:
    others = ["six-extra", "numpydoc", "--extra-index-url https://x.example.org"]
    assert culprits(reason, [*lines, *others]) == lines


def test_a_full_disk_is_not_the_users_fault() -> None:
    assert is_full_disk(["error: failed to write: No space left on device (os error 28)"])
    assert not is_full_disk(["Because there is no version of six==99 and you require six==99"])


def test_scripts_lose_the_path_of_the_staged_folder(tmp_path: Path) -> None:
    folder = tmp_path / "env"
    short = program(folder / "bin/a", f"#!{folder}/bin/python3\nprint(1)\n")
    long = program(folder / "bin/b", f"#!/bin/sh\n'''exec' '{folder}/bin/python' \"$0\" \"$@\"\n' '''\nprint(2)\n")
    other = program(folder / "bin/c", "#!/bin/sh\necho 3\n")
    free_scripts(folder)
    assert short.read_text() == "#!/usr/bin/env python\nprint(1)\n"
    assert long.read_text() == "#!/usr/bin/env python\nprint(2)\n"
    assert other.read_text() == "#!/bin/sh\necho 3\n"
    assert os.access(short, os.X_OK)
