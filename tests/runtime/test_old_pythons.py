"""Programs that run in environments of users are written in the language of Python 3.7."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from zaffre import runtime

FOLDER = Path(str(runtime.__file__)).parent
PROGRAMS = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.py"))


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_of_the_runtime_are_read_by_python_3_7(name: str) -> None:
    ast.parse((FOLDER / name).read_text(encoding="utf-8"), name, feature_version=(3, 7))


def test_a_newer_word_would_be_found() -> None:
    with pytest.raises(SyntaxError):
        ast.parse("while (line := read()): pass", feature_version=(3, 7))
