"""Pages of a search: an opaque token says where the next one starts."""

from __future__ import annotations

import base64
import binascii

import orjson

from zaffre.services.tracking.values import wrong


def offset_of(token: str | None) -> int:
    """Raises `InvalidRequest` for a token that this server did not give."""
    if not token:
        return 0
    try:
        offset = orjson.loads(base64.b64decode(token.encode(), validate=True))["offset"]
    except (ValueError, KeyError, TypeError, binascii.Error):
        offset = None
    if not isinstance(offset, int) or isinstance(offset, bool) or not 0 <= offset < 2**63:
        raise wrong("Invalid page token: use next_page_token of the former page as it came")
    return offset


def token_of(offset: int) -> str:
    return base64.b64encode(orjson.dumps({"offset": offset})).decode()


def size_of(value: int | None, default: int, most: int) -> int:
    """How many results a page may have."""
    if value is None:
        return default
    if not 0 < value <= most:
        raise wrong(f"Invalid value {value} for parameter 'max_results' supplied: it must be between 1 and {most}")
    return value
