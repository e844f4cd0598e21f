"""How an input is cut: `5` is a number of files, `10kb`, `2mb` are bytes."""

from __future__ import annotations

import re

FILES, TABLE_BYTES = 10, 1 << 20  # without a wish, as Azure ML cuts
_SIZE = re.compile(r"\s*(\d+)\s*(?:(k|m|g)?(b)?)\s*", re.IGNORECASE)
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def cut_by(size: str | None) -> tuple[int | None, int]:
    """(files of a mini-batch or None where they are counted in bytes, bytes of a mini-batch).

    A plain number counts files of folders, and bytes of tables.
    """
    if size is None:
        return FILES, TABLE_BYTES
    found = _SIZE.fullmatch(size)
    assert found is not None, "the language has checked it"
    number, unit, is_bytes = int(found[1]), (found[2] or "").lower(), found[2] or found[3]
    return (None if is_bytes else number), number * _UNITS[unit]
