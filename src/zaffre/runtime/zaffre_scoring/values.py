"""JSON in and out, with what comes from outside kept within bounds."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

LONG_NUMBER = re.compile(rb"\d{4301}")
SUSPICIOUS_BYTES = 4301
HAS_DIGIT_LIMIT = hasattr(sys, "get_int_max_str_digits")


class BadInput(Exception):
    """The request is wrong; the message is told to the caller and names nothing of this machine."""


class Answer:
    """A whole HTTP answer."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: list[list[str]], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body


def read(body: bytes) -> Any:
    """Raises `BadInput` for what is no JSON; NaN and infinities are none."""
    if not body:
        raise BadInput("the body is empty; JSON is expected")
    if not HAS_DIGIT_LIMIT and len(body) >= SUSPICIOUS_BYTES and LONG_NUMBER.search(body):
        raise BadInput("the body has a number of more than 4300 digits")
    try:
        return _decode(str(body, "utf-8"))
    except UnicodeDecodeError:
        raise BadInput("the body is not UTF-8") from None
    except RecursionError:
        raise BadInput("the JSON is nested too deeply") from None
    except ValueError as error:
        if "digits" in str(error):
            raise BadInput("the body has a number of more than 4300 digits") from None
        raise BadInput("the body is not JSON") from None


def _no_constant(name: str) -> Any:
    raise ValueError(name)


_decode = json.JSONDecoder(parse_constant=_no_constant).decode


def write(value: Any) -> bytes:
    """A value as JSON: arrays and tables become lists, NaN and infinities null. Raises TypeError naming a class."""
    try:
        return _encode(value).encode()
    except ValueError:  # NaN somewhere, half a character (JSON can escape it), or a value that contains itself
        return _escaped(_finite(value, 0)).encode()


def plain(value: Any) -> Any:
    """What JSON has no word for: arrays, tables, numbers of numpy, bytes."""
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        return value.to_dict(orient="records")
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, (bytes, bytearray)):
        return value.decode("utf-8", "replace")
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, (set, frozenset)):
        return list(value)
    raise TypeError(type(value).__name__)


_escaped = json.JSONEncoder(allow_nan=False, separators=(",", ":"), default=plain).encode
_encode = json.JSONEncoder(allow_nan=False, separators=(",", ":"), default=plain, ensure_ascii=False).encode


def _finite(value: Any, depth: int) -> Any:
    if depth > 200:
        raise TypeError("a value nested too deeply")
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, dict):
        return {key: _finite(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item, depth + 1) for item in value]
    if value is None or isinstance(value, (str, int)):
        return value
    return _finite(plain(value), depth + 1)
