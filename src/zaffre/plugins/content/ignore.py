"""What a folder's ignore file leaves out: `.amlignore` if there is one, else `.gitignore`, in the syntax of git."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from zaffre.base.errors import InvalidRequest

ALWAYS = frozenset({".git", "__pycache__", ".zaffre"})  # names of folders and files, at any depth
FILES = (".amlignore", ".gitignore")

Ignored = Callable[[str], bool]  # takes a relative path; a folder's ends with `/`


def load(folder: Path) -> Ignored | None:
    """The rules of this folder, or None without an ignore file. Raises `InvalidRequest` if the file cannot be used."""
    for name in FILES:
        file = folder / name
        if not file.is_file():
            continue
        from pathspec import GitIgnoreSpec  # costs 20 ms

        try:
            spec = GitIgnoreSpec.from_lines(file.read_text("utf-8").splitlines())
        except (OSError, ValueError) as error:
            raise InvalidRequest(f"{file} cannot be read as an ignore file: {error}") from error
        return spec.match_file
    return None
