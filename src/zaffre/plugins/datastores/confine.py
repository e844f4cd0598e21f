"""Paths inside a datastore or below a rewritten prefix stay there (SEC-01, SEC-02, SEC-04)."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote

from zaffre.base.errors import InvalidRequest


def confined(path: str, named: str) -> str:
    """The path without leading and trailing `/`. Raises `InvalidRequest` naming `named` if it leads upwards.

    Encoded once or twice counts too: what we take literally, a server behind us may decode.
    """
    text = path
    for _ in range(3):
        parts = text.replace("\\", "/").split("/")
        if ".." in parts or "\0" in text or "\\" in text:
            raise InvalidRequest(
                f"{named}: the path leads out of its place ('..', '\\' and NUL are refused)", code="InvalidPath"
            )
        text = unquote(text)
    return path.strip("/")


def below(root: Path, path: str, named: str) -> Path:
    """A path below a local folder. Raises `InvalidRequest` if it, or a symlink in it, leads out of the folder."""
    inner = confined(path, named)
    target = root / inner if inner else root
    top, real = os.path.realpath(root), os.path.realpath(target)
    if real != top and not real.startswith(top.rstrip("/") + "/"):
        raise InvalidRequest(f"{named}: a symlink leads out of its folder", code="InvalidPath")
    return target
