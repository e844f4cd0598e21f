"""Bodies as MLflow's clients write and read them: protocol buffers in their JSON form."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import orjson

from zaffre.base.errors import InvalidRequest


def parse(body: bytes) -> dict[str, Any]:
    """The object of a request. Raises `InvalidRequest`."""
    if not body:
        return {}
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = _with_bare_nan(body)
    if not isinstance(value, dict):
        raise InvalidRequest("the body must be a JSON object", code="MalformedRequest")
    return value


def _with_bare_nan(body: bytes) -> Any:
    """Python's json writes NaN and Infinity as they are; everything else that is wrong stays wrong."""
    try:
        value = json.loads(body)
        orjson.dumps(value)  # refuses lone surrogates, which no database takes
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidRequest(f"the body is not JSON: {error}", code="MalformedRequest") from None
    return value


def rows(body: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """A list of objects of the request."""
    value = body.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise InvalidRequest(
            f"Invalid value for parameter '{name}' supplied: expected a list of objects", code="InvalidValue"
        )
    return value


def texts(body: dict[str, Any], name: str) -> list[str]:
    """A list of strings; in a query string one value is a list too."""
    value = body.get(name)
    if value is None:
        return []
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InvalidRequest(
            f"Invalid value for parameter '{name}' supplied: expected a list of strings", code="InvalidValue"
        )
    return [_text(item, name) for item in value]


def required(body: dict[str, Any], name: str, *older: str) -> str:
    """A string that must be there, under its name or an older one of it."""
    for key in (name, *older):
        value = body.get(key)
        if value not in (None, ""):
            return _text(value, key)
    raise InvalidRequest(f"Missing value for required parameter '{name}'.", code="InvalidValue")


def optional(body: dict[str, Any], name: str) -> str | None:
    value = body.get(name)
    return None if value is None else _text(value, name)


def integer(body: dict[str, Any], name: str) -> int | None:
    """A whole number, which may come as text."""
    value = body.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, str) and len(value) < 25:
        with suppress(ValueError):
            value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**63:
        raise InvalidRequest(f"Invalid value {value!r:.100} for parameter '{name}' supplied: expected a whole number",
                             code="InvalidValue")  # fmt: skip
    return value


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise InvalidRequest(f"Invalid value {value!r:.100} for parameter '{name}' supplied: expected a string",
                             code="InvalidValue")  # fmt: skip
    if "\0" in value:
        raise InvalidRequest(f"'{name}' holds a NUL character", code="InvalidValue")
    return value
