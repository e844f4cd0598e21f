"""What validators know while a document is loaded: the folder it stands in, and what to tell the user.

Passed as pydantic's validation context. Without one (a model built in Python), or without a folder (a request body),
no file is looked at: a server must never open a path that a client named.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationInfo
from pydantic_core import PydanticCustomError

from zaffre.base.errors import Fault

MESSAGE = "{message}"


@dataclass
class Shared:
    """What all files of one load have in common."""

    notes: dict[str, None] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)  # of included files; the including one continues
    included: dict[tuple[Path, str], Any] = field(default_factory=dict)
    from_files: set[int] = field(default_factory=set)  # id() of models that came from a file of their own
    found: dict[tuple[str, str], str] = field(default_factory=dict)
    data_must_exist: bool = True


@dataclass
class Loading:
    base: Path | None = None
    file: str | None = None
    stack: tuple[Path, ...] = ()
    shared: Shared = field(default_factory=Shared)

    def locate(self, text: str, *, is_data: bool = False) -> str:
        """The absolute path of a local file or folder that must exist. Raises a pydantic error that names it."""
        if self.base is None:
            return text
        known = self.shared.found.get((str(self.base), text))
        if known is not None:
            return known
        path = absolute(self.base, text)
        if not os.path.exists(path):
            if is_data and not self.shared.data_must_exist:
                self.shared.notes[f"{path}: there is no such file or folder yet"] = None
                return path
            raise fault(f"there is no file or folder {text}", hint=f"looked for {path}", kind="missing_file")
        self.shared.found[str(self.base), text] = path
        return path


def absolute(base: Path, text: str) -> str:
    """`file:` and `~` removed, relative to the folder `base`, without `..`; trailing `/` dropped."""
    if "\0" in text:
        raise fault("a path cannot contain a NUL character")
    text = text.removeprefix("file://") if text.startswith("file://") else text.removeprefix("file:")
    return os.path.abspath(os.path.join(base, os.path.expanduser(text) if text.startswith("~/") else text))


def loading_of(info: ValidationInfo) -> Loading:
    return info.context if isinstance(info.context, Loading) else Loading()


def fault(message: str, *, hint: str | None = None, kind: str = "fault") -> PydanticCustomError:
    """An error for a validator to raise, in a plain sentence; `faults.py` shows it as it stands."""
    return PydanticCustomError(kind, MESSAGE, {"message": message, "hint": hint})


def note(info: ValidationInfo, sentence: str) -> None:
    """Tell the user once that something was accepted without effect."""
    if isinstance(info.context, Loading):
        info.context.shared.notes[sentence] = None
