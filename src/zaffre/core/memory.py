"""Amounts of memory as people write them: `500m`, `4g`, `1.5 GB`; a number alone is megabytes."""

from __future__ import annotations

import re

from zaffre.base.errors import InvalidRequest

AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", re.IGNORECASE)
MEGABYTES = {"k": 1 / 1024, "": 1.0, "m": 1.0, "g": 1024.0, "t": 1024.0 * 1024}


def megabytes(text: object, field: str) -> float:
    """Raises `InvalidRequest` that names the field."""
    found = AMOUNT.fullmatch(str(text).strip())
    if not found:
        raise InvalidRequest(
            f"{field}: `{text}` is no amount of memory", code="MemoryNotKnown", hint="such as 500m or 4g"
        )
    return float(found[1]) * MEGABYTES[found[2].lower()]
