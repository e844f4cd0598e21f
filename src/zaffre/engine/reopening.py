"""Whether a step opens its own output by name, as shell scripts do: `echo failed > /dev/stderr`.

Behind the name is whatever the output leads to, and opening a plain file so cuts it to nothing. The compute puts a
pipe in between for steps that do this; for the others that would be a process for nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

BY_NAME = re.compile(rb"/dev/(?:std(?:out|err)|fd/[12])\b|/proc/[^/\s]{1,32}/fd/[12]\b")
FILE_BYTES = 2**20  # a longer file is data, not a script
MOST_FILES, MOST_BYTES = 5_000, 64 * 2**20  # of one code folder
_MOST_KNOWN = 10_000

_known: dict[str, bool] = {}  # code tree -> what its files say; the same content is read once


def reopens_output(command: str, env: Mapping[str, str], code: str | None, work: Path) -> bool:
    """Whether the command, a variable or a file of the code (the tree `code`, laid out in `work`) names its output."""
    if _says("\n".join((command, *map(str, env.values()))).encode("utf-8", "surrogateescape")):
        return True
    if not code:
        return False
    if (known := _known.get(code)) is None:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        known = _known[code] = _any_file(work)
    return known


def _says(text: bytes) -> bool:
    return BY_NAME.search(text) is not None


def _any_file(folder: Path) -> bool:
    files = total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            try:
                file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError:  # a link, which leads to a file of the same folder, or out of it to data
                continue
            try:
                if os.fstat(file).st_size > FILE_BYTES:
                    continue
                text = os.read(file, FILE_BYTES)
            finally:
                os.close(file)
            if _says(text):
                return True
            files, total = files + 1, total + len(text)
            if files >= MOST_FILES or total >= MOST_BYTES:
                return False
    return False
