"""How an alias of a model may be written."""

from __future__ import annotations

import re

from zaffre.base.errors import InvalidRequest

_ALIAS = re.compile(r"[\w-]{1,255}")


def check_alias(alias: str) -> str:
    """Raises `InvalidRequest`: `latest` is the newest version, and `v7` would be taken for a version."""
    if not _ALIAS.fullmatch(alias) or alias.lower() == "latest" or re.fullmatch(r"[vV]\d+", alias):
        raise InvalidRequest(
            f"Invalid alias {alias!r:.100}: letters, digits, _ and -; 'latest' and v<number> are reserved",
            code="InvalidValue",
        )
    return alias
