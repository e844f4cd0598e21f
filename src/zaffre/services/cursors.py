"""Where a page of a search ended: an opaque text that the next request brings back.

It holds the values by which the last row was sorted, not how many rows came before: what is inserted meanwhile shifts
nothing. It belongs to one search, and is refused by another.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any

from blake3 import blake3

from zaffre.base.errors import InvalidRequest


def digest_of(*search: Any) -> str:
    """What tells one search from another."""
    return blake3(json.dumps(search, default=str).encode()).hexdigest()[:12]


def write(digest: str, now: int, key: Sequence[Any]) -> str:
    """`now` is the moment (ms) that the search took for the end of what still runs."""
    return base64.urlsafe_b64encode(json.dumps([digest, now, list(key)]).encode()).decode()


def read(text: str, digest: str, kinds: Sequence[str]) -> tuple[int, tuple[Any, ...]]:
    """`now` and the sort values, one for each of `kinds` (`number` or `text`). Raises `InvalidRequest`."""
    try:
        known, now, key = json.loads(base64.b64decode(text.encode(), altchars=b"-_", validate=True))
        if _is(now, "number") and isinstance(key, list) and len(key) == len(kinds):
            fits = all(value is None or _is(value, kind) for value, kind in zip(key, kinds, strict=True))
            if known == digest and fits and isinstance(now, int):
                return now, tuple(key)
    except (ValueError, TypeError, RecursionError, binascii.Error):
        pass
    raise InvalidRequest(
        "the cursor is not one that this search gave", code="BadCursor", hint="leave it out for the first page"
    )


def _is(value: Any, kind: str) -> bool:
    if kind == "text":
        return isinstance(value, str)
    return isinstance(value, float) or (type(value) is int and -(2**63) <= value < 2**63)
